/**
 * Starts Jetty's main class directly instead of through start.jar. start.jar spends a second of
 * CPU on resolving the same modules at every start, and loads Jetty by a class loader of its own,
 * which a class data archive does not serve: 2.4 s of CPU to the first answer with it, 1.3 s
 * without, 1.0 s with an archive (JDK 17, one idle machine). A test holds the result against
 * `start.jar --dry-run`.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JettyLaunch, ThreadPoolModule } from '../stack/jetty.ts';

/** In Jetty's own order, for the modules of `stack/jetty.ts`. */
const SERVER_LIBRARIES = [
  'logging/slf4j-api',
  'logging/jetty-slf4j-impl',
  'jetty-http',
  'jetty-util',
  'jetty-server',
  'jetty-xml',
  'jetty-io',
  'jetty-deploy',
  'jetty-session',
  'jetty-security',
  'jetty-ee-webapp',
  'jetty-jmx',
];
const serverXml = (threadPool: ThreadPoolModule): readonly string[] => [
  'jetty-bytebufferpool',
  'jetty-http-config',
  'jetty-scheduler',
  `jetty-${threadPool}`,
  'jetty',
  'jetty-deployer-standard',
  'jetty-state',
  'jetty-deployment-scanner',
  'sessions/id-manager',
  'jetty-ee-webapp',
  'jetty-forwarded',
  'jetty-graceful',
  'jetty-http',
  'jetty-jmx',
  'jetty-statistics',
];
const EE10_LIBRARIES = ['jakarta.servlet-api', 'jetty-ee10-servlet', 'jetty-ee10-webapp'];
const EE10_XML = ['jetty-ee10-webapp', 'jetty-ee10-deploy'];

/** Several versions of the servlet API lie side by side; EE10 is the one with servlet 6.0. */
const EE10_SERVLET_VERSION = '6.0.';

/** Jetty's class path: the same for every node, as a class data archive demands. */
export function jettyClassPath(jettyHome: string): string {
  return SERVER_LIBRARIES.map((name) => library(jettyHome, name)).join(':');
}

/** Turns `java OPTIONS -jar JETTY_HOME/start.jar PROPERTIES` into the command that start.jar would run. */
export function withoutStartJar(
  { argv, threadPool }: Pick<JettyLaunch, 'argv' | 'threadPool'>,
  jettyHome: string,
): [string, ...string[]] {
  const [java, ...rest] = argv;
  const jar = rest.indexOf('-jar');
  if (jar < 0 || basename(rest[jar + 1] ?? '') !== 'start.jar') {
    throw new Error(`not a start of Jetty by start.jar: ${argv.join(' ')}`);
  }
  const properties = rest.slice(jar + 2);
  const base = properties.find((property) => property.startsWith('jetty.base='))?.slice(11);
  if (base === undefined) throw new Error('the start of Jetty names no jetty.base');
  const xml = (name: string): string => join(jettyHome, 'etc', `${name}.xml`);
  const uri = (folder: string): string => pathToFileURL(folder).href;
  return [
    java,
    ...rest.slice(0, jar),
    `-Djetty.home=${jettyHome}`,
    `-Djetty.base=${base}`,
    '-cp',
    jettyClassPath(jettyHome),
    'org.eclipse.jetty.xml.XmlConfiguration',
    `jetty.base.uri=${uri(base)}`,
    `jetty.home.uri=${uri(jettyHome)}`,
    `jetty.webapp.addHiddenClasses=org.eclipse.jetty.logging.,${uri(jettyHome)}/lib/logging/,org.slf4j.`,
    'runtime.feature.alpn=true',
    ...properties,
    ...serverXml(threadPool).map(xml),
    '--env',
    'ee10',
    ...EE10_LIBRARIES.flatMap((name) => ['-cp', library(jettyHome, name)]),
    ...EE10_XML.map(xml),
  ];
}

/** The JAR of a library, whatever its version. */
function library(jettyHome: string, name: string): string {
  const folder = join(jettyHome, 'lib', dirname(name));
  const start = `${basename(name)}-`;
  const found = readdirSync(folder).filter((file) => {
    const version = file.slice(start.length);
    return (
      file.startsWith(start) &&
      file.endsWith('.jar') &&
      /^\d/.test(version) &&
      (name !== 'jakarta.servlet-api' || version.startsWith(EE10_SERVLET_VERSION))
    );
  });
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`${folder} has ${found.length} files ${start}VERSION.jar; expected one`);
  }
  return join(folder, first);
}
