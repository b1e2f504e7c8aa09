/** Renders one Jetty: the command that starts it and the files of its base folder. */
import type { StackConfiguration } from './configuration.ts';
import { JOLOKIA_FILES, renderJolokia } from './jolokia.ts';

export interface JettyPlacement {
  /** `bin/java`. */
  readonly java: string;
  /** JETTY_HOME. */
  readonly jettyHome: string;
  /** Jolokia's JVM agent. */
  readonly jolokiaJar: string;
  /** Loopback ports: requests and Jolokia. */
  readonly ports: { readonly http: number; readonly jolokia: number };
  /** Login that Jolokia asks for. */
  readonly jolokiaLogin: { readonly user: string; readonly password: string };
  /** This instance's own folder (JETTY_BASE), fresh for every start. */
  readonly base: string;
  /** The application; deployed at `/`. */
  readonly war: string;
  readonly heap: { readonly minimumMiB: number; readonly maximumMiB: number };
  /** AppCDS archive made with the same JDK and command line. */
  readonly classDataArchive?: string;
  readonly systemProperties: Readonly<Record<string, string>>;
}

export interface JettyLaunch {
  /** Executable and arguments. */
  readonly argv: readonly [string, ...string[]];
  /** Working directory: the base folder. */
  readonly cwd: string;
  readonly threadPool: ThreadPoolModule;
  /** Folders to make in the base. */
  readonly directories: readonly string[];
  /** Files to write in the base, by path relative to it; the one with a password comes with mode 0600. */
  readonly files: Readonly<Record<string, { readonly text: string; readonly mode: number }>>;
}

/** What this stack uses of Jetty 12.1 besides its thread pool; `graceful` (new in 12.1) lets requests in flight finish on SIGTERM. */
export const JETTY_MODULES = [
  'http',
  'ee10-deploy',
  'ee10-webapp',
  'jmx',
  'statistics',
  'state',
  'graceful',
  'forwarded',
] as const;

/** Jetty's module for its thread pool; the second hands what may block to virtual threads. */
export type ThreadPoolModule = 'threadpool' | 'threadpool-virtual';

function threadPoolModule({ values }: StackConfiguration): ThreadPoolModule {
  return values['jetty.virtualThreads'] ? 'threadpool-virtual' : 'threadpool';
}

/** File in the base folder that tells Jetty's state, line by line: INIT, STARTING, STARTED, STOPPING, STOPPED. */
export const JETTY_STATE_FILE = 'jetty.state';
/** Longest time that requests in flight may take to finish on SIGTERM. */
export const JETTY_STOP_TIMEOUT_MS = 10_000;

/**
 * The launch of one Jetty with this configuration. JVM options that the class data archive depends
 * on come first and in a fixed order. Throws a RangeError when a path or property cannot be passed on.
 */
export function jettyCommand(
  configuration: StackConfiguration,
  placement: JettyPlacement,
): JettyLaunch {
  const { java, jettyHome, base } = placement;
  return {
    argv: [
      java,
      ...jvmOptions(placement),
      '-jar',
      `${jettyHome}/start.jar`,
      `jetty.home=${jettyHome}`,
      `jetty.base=${base}`,
      ...serverProperties(configuration, placement),
    ],
    cwd: base,
    threadPool: threadPoolModule(configuration),
    directories: ['start.d', 'environments', 'webapps', 'resources', 'logs', 'tmp'],
    files: filesOf(placement, threadPoolModule(configuration)),
  };
}

function jvmOptions(placement: JettyPlacement): string[] {
  const { heap, classDataArchive, base, jolokiaJar, systemProperties } = placement;
  return [
    `-Xms${heap.minimumMiB}m`,
    `-Xmx${heap.maximumMiB}m`,
    '-XX:+UseSerialGC',
    ...(classDataArchive === undefined ? [] : [`-XX:SharedArchiveFile=${classDataArchive}`]),
    '-Djava.awt.headless=true',
    `-Djava.io.tmpdir=${base}/tmp`,
    // Jolokia's HTTP server waits 40 ms for each answer otherwise (Nagle with delayed ACK).
    '-Dsun.net.httpserver.nodelay=true',
    ...Object.entries(systemProperties).map(([name, value]) => systemProperty(name, value)),
    `-javaagent:${jolokiaJar}=config=${base}/${JOLOKIA_FILES.properties}`,
  ];
}

function serverProperties({ values }: StackConfiguration, placement: JettyPlacement): string[] {
  return Object.entries({
    'jetty.http.host': '127.0.0.1',
    'jetty.http.port': placement.ports.http,
    'jetty.http.acceptQueueSize': values['jetty.acceptQueueSize'],
    'jetty.http.idleTimeout': values['jetty.idleTimeout'],
    'jetty.threadPool.minThreads': values['jetty.minThreads'],
    'jetty.threadPool.maxThreads': values['jetty.maxThreads'],
    // Else 200, whatever the pool's size.
    ...(values['jetty.virtualThreads'] && {
      'jetty.threadPool.virtual.maxConcurrentTasks': values['jetty.maxThreads'],
    }),
    'jetty.deploy.scanInterval': 0,
    'jetty.server.contexts.dynamic': false,
    'jetty.server.stopTimeout': JETTY_STOP_TIMEOUT_MS,
    'jetty.state': `${placement.base}/${JETTY_STATE_FILE}`,
  }).map(([name, value]) => `${name}=${value}`);
}

function filesOf(placement: JettyPlacement, threadPool: ThreadPoolModule): JettyLaunch['files'] {
  const { base, ports, jolokiaLogin } = placement;
  const files: Record<string, { text: string; mode: number }> = {};
  for (const module of [...JETTY_MODULES, threadPool]) {
    files[`start.d/${module}.ini`] = { text: `--module=${module}\n`, mode: 0o644 };
  }
  const jolokia = renderJolokia(base, { port: ports.jolokia, ...jolokiaLogin });
  for (const [name, text] of Object.entries(jolokia)) files[name] = { text, mode: 0o600 };
  files['resources/jetty-logging.properties'] = {
    text: 'org.eclipse.jetty.LEVEL=INFO\n',
    mode: 0o644,
  };
  files['webapps/root.xml'] = { text: contextXml(placement.war), mode: 0o644 };
  return files;
}

/** An application that does not start ends Jetty, instead of leaving a server that answers 503. */
function contextXml(war: string): string {
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "https://jetty.org/configure_10_0.dtd">',
    '<Configure class="org.eclipse.jetty.ee10.webapp.WebAppContext">',
    '  <Set name="contextPath">/</Set>',
    `  <Set name="war">${xmlText(war)}</Set>`,
    '  <Set name="throwUnavailableOnStartupException">true</Set>',
    '</Configure>',
    '',
  ].join('\n');
}

function systemProperty(name: string, value: string): string {
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) {
    throw new RangeError(
      `The system property ${JSON.stringify(name)} must be named by letters, digits, dots, - and _.`,
    );
  }
  if (value.includes('\0')) throw new RangeError(`The system property ${name} contains a NUL.`);
  return `-D${name}=${value}`;
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
