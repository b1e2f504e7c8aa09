/** Renders httpd's configuration for one node: event MPM in front of two colours of Jetty. */
import { httpdArgument } from './configuration-text.ts';
import type { StackConfiguration } from './configuration.ts';
import { ASYNC_REQUEST_WORKER_FACTOR } from './resources.ts';

export interface HttpdPlacement {
  /** Folder that holds `modules/`. */
  readonly serverRoot: string;
  /** Writable folder of the node that outlives generations: pid file, error log, pool file. */
  readonly runtimeDirectory: string;
  readonly listen: { readonly address: string; readonly port: number };
  /** mod_status answers on this port of 127.0.0.1 and nowhere else. */
  readonly statusPort: number;
  /** Value of the node's response header. */
  readonly node: string;
  /** Name of that header: NODE_HEADER of the mesh plan. */
  readonly nodeHeader: string;
  /** Loopback ports of the two colours. */
  readonly jettyPorts: readonly [number, number];
  /** Whom the children run as; only a parent that is root may set it. */
  readonly user?: { readonly name: string; readonly group: string };
}

/** Name of the file that {@link renderHttpd} returns. */
export const HTTPD_FILE = 'httpd.conf';
/** Name of the pool file in the runtime directory; {@link renderPool} has its text. `httpd -t` wants it to be there. */
export const POOL_FILE = 'pool.txt';
/** Names below the runtime directory that the rendering uses. */
export const HTTPD_RUNTIME_FILES = { pid: 'httpd.pid', errorLog: 'httpd-error.log' } as const;
/** Path of mod_status on the status port; `?auto` gives the machine's form. */
export const STATUS_PATH = '/server-status';
/** How long the old generation may finish its requests after a graceful restart or stop. */
export const GRACEFUL_SHUTDOWN_TIMEOUT_S = 15;

/** Deadlines towards Jetty that are no knobs: the mesh's deadlines are shorter and decide. */
const CONNECTION_TIMEOUT_S = 2;
const PROXY_TIMEOUT_S = 60;

/** What shrinks; images, archives and fonts are compressed already. */
export const COMPRESSED_TYPES = [
  'text/html',
  'text/plain',
  'text/css',
  'text/csv',
  'text/xml',
  'text/javascript',
  'application/javascript',
  'application/json',
  'application/problem+json',
  'application/xml',
  'application/xhtml+xml',
  'image/svg+xml',
] as const;

const COMPRESSION_MODULES = [
  ['filter', 'mod_filter'],
  ['deflate', 'mod_deflate'],
] as const;

const MODULES = [
  ['mpm_event', 'mod_mpm_event'],
  ['unixd', 'mod_unixd'],
  ['authz_core', 'mod_authz_core'],
  ['authz_host', 'mod_authz_host'],
  ['proxy', 'mod_proxy'],
  ['proxy_http', 'mod_proxy_http'],
  ['headers', 'mod_headers'],
  ['status', 'mod_status'],
  ['rewrite', 'mod_rewrite'],
] as const;

/**
 * The files of one generation, by name. Which Jetty gets the requests is not in them but in the
 * pool file, so that it changes by renaming a file and never by a restart.
 *
 * The request's own path is passed on byte for byte: the rewrite condition takes it from the
 * request line, before httpd decodes it, and `NE` keeps it from being encoded again. The query
 * string stays out of the substitution, so that httpd keeps it as it is and has no encoded `?` to
 * refuse (the flag `UnsafeAllow3F`, which older versions do not know, is not needed).
 *
 * mod_status has a port of its own on the loopback interface, because on the public one its path
 * would be reachable through the proxy (which is local too) and would hide the application's.
 *
 * Throws a RangeError when a name or folder of the placement cannot be written into a configuration.
 */
export function renderHttpd(
  configuration: StackConfiguration,
  placement: HttpdPlacement,
): Readonly<Record<string, string>> {
  const lines = [
    ...serverLines(placement),
    ...(configuration.values['httpd.compression'] ? moduleLines(COMPRESSION_MODULES) : []),
    ...processLines(configuration),
    ...connectionLines(configuration),
    ...placement.jettyPorts.flatMap((port) => colourLines(configuration, port)),
    ...statusLines(placement),
    ...trafficLines(placement, compressionLines(configuration)),
  ];
  return { [HTTPD_FILE]: `${lines.join('\n')}\n` };
}

/** Text of the pool file that sends requests to the Jetty on this loopback port. */
export function renderPool(port: number): string {
  return `active 127.0.0.1:${port}\n`;
}

function serverLines(placement: HttpdPlacement): string[] {
  const { serverRoot, runtimeDirectory, listen, statusPort, user } = placement;
  const runtime = (name: string): string =>
    httpdArgument(`${runtimeDirectory}/${name}`, 'The runtime directory');
  return [
    `ServerRoot ${httpdArgument(serverRoot, 'The server root')}`,
    `DefaultRuntimeDir ${httpdArgument(runtimeDirectory, 'The runtime directory')}`,
    `PidFile ${runtime(HTTPD_RUNTIME_FILES.pid)}`,
    `ErrorLog ${runtime(HTTPD_RUNTIME_FILES.errorLog)}`,
    'LogLevel warn',
    `ServerName ${listen.address}`,
    `Listen ${listen.address}:${listen.port}`,
    `Listen 127.0.0.1:${statusPort}`,
    ...moduleLines(MODULES),
    ...(user === undefined
      ? []
      : [
          `User ${httpdArgument(user.name, 'The user')}`,
          `Group ${httpdArgument(user.group, 'The group')}`,
        ]),
    'ServerTokens Prod',
    'TraceEnable Off',
    'HostnameLookups Off',
    'ExtendedStatus On',
    // Nothing is served from disk: what the rules below do not take is refused.
    '<Directory "/">',
    '  AllowOverride None',
    '  Require all denied',
    '</Directory>',
  ];
}

/** Distributions differ in what is built in. */
function moduleLines(modules: readonly (readonly [string, string])[]): string[] {
  return modules.flatMap(([name, file]) => [
    `<IfModule !${name}_module>`,
    `  LoadModule ${name}_module modules/${file}.so`,
    '</IfModule>',
  ]);
}

/**
 * An answer that Jetty has encoded itself goes out as it is. mod_deflate marks the entity tag of
 * what it compressed with `-gzip`; the mark is taken off a conditional request, or Jetty would
 * never know its own tag again and answer 304.
 */
function compressionLines({ values }: StackConfiguration): string[] {
  if (!values['httpd.compression']) return [];
  return [
    `  DeflateCompressionLevel ${values['httpd.compressionLevel']}`,
    `  AddOutputFilterByType DEFLATE ${COMPRESSED_TYPES.join(' ')}`,
    ...['If-None-Match', 'If-Match'].map((name) => `  RequestHeader edit* ${name} '-gzip"' '"'`),
  ];
}

function processLines({ values }: StackConfiguration): string[] {
  return [
    `ServerLimit ${values['httpd.serverLimit']}`,
    `ThreadLimit ${values['httpd.threadLimit']}`,
    `ThreadsPerChild ${values['httpd.threadsPerChild']}`,
    `MaxRequestWorkers ${values['httpd.maxRequestWorkers']}`,
    `StartServers ${values['httpd.startServers']}`,
    `MinSpareThreads ${values['httpd.minSpareThreads']}`,
    `MaxSpareThreads ${values['httpd.maxSpareThreads']}`,
    `AsyncRequestWorkerFactor ${ASYNC_REQUEST_WORKER_FACTOR}`,
    'MaxConnectionsPerChild 0',
    `GracefulShutdownTimeout ${GRACEFUL_SHUTDOWN_TIMEOUT_S}`,
  ];
}

function connectionLines({ values }: StackConfiguration): string[] {
  return [
    `ListenBackLog ${values['httpd.listenBacklog']}`,
    `KeepAlive ${values['httpd.keepAlive'] ? 'On' : 'Off'}`,
    `KeepAliveTimeout ${values['httpd.keepAliveTimeout']}ms`,
    `MaxKeepAliveRequests ${values['httpd.maxKeepAliveRequests']}`,
  ];
}

function colourLines({ values }: StackConfiguration, port: number): string[] {
  const settings = [
    `max=${values['proxy.max']}`,
    `ttl=${values['proxy.ttl']}`,
    `acquire=${values['proxy.acquire']}`,
    `retry=${values['proxy.retry']}`,
    `connectiontimeout=${CONNECTION_TIMEOUT_S}`,
    `timeout=${PROXY_TIMEOUT_S}`,
    'keepalive=On',
  ];
  return [`<Proxy "http://127.0.0.1:${port}/">`, `  ProxySet ${settings.join(' ')}`, '</Proxy>'];
}

function statusLines({ statusPort }: HttpdPlacement): string[] {
  return [
    `<VirtualHost 127.0.0.1:${statusPort}>`,
    `  <Location "${STATUS_PATH}">`,
    '    SetHandler server-status',
    '    <RequireAll>',
    '      Require local',
    // A request that a proxy passed on is not local, whatever its last hop was.
    `      Require expr "-z %{HTTP:X-Forwarded-For}"`,
    '    </RequireAll>',
    '  </Location>',
    '</VirtualHost>',
  ];
}

function trafficLines(placement: HttpdPlacement, compression: readonly string[]): string[] {
  const { listen, runtimeDirectory, node, nodeHeader } = placement;
  const pool = httpdArgument(`txt:${runtimeDirectory}/${POOL_FILE}`, 'The runtime directory');
  return [
    `<VirtualHost ${listen.address}:${listen.port}>`,
    '  ProxyRequests Off',
    '  ProxyPreserveHost On',
    '  ProxyVia Off',
    `  Header always set ${httpdArgument(nodeHeader, 'The header of the node')} ${httpdArgument(node, 'The name of the node')}`,
    // Where the mesh in front has said https, it stays so.
    '  RequestHeader setifempty X-Forwarded-Proto "http"',
    ...compression,
    '  AllowEncodedSlashes NoDecode',
    '  RewriteEngine On',
    `  RewriteMap pool ${pool}`,
    // A missing pool file sends requests to a closed port: 503, as for a Jetty that is gone.
    String.raw`  RewriteCond %{THE_REQUEST} "^\S+ (?:https?://[^/?\s]*)?(/[^?\s]*)"`,
    '  RewriteRule ^ "http://${pool:active|127.0.0.1:1}%1" [P,NE,L]',
    // A request without a path (CONNECT, ...) is never served from anywhere else.
    '  RewriteRule ^ - [F]',
    '</VirtualHost>',
  ];
}
