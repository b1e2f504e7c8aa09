/**
 * The knobs of this stack: Apache httpd (event MPM), its proxy pool, Jetty and the mesh in front.
 * Ranges are those in which the real components take the value as it is (httpd clamps silently
 * beyond them); relations between knobs are in `rules.ts`.
 */
import { booleanKnob, categoricalKnob, integerKnob } from '../optimizer/space/knob.ts';
import type { Deactivation, IntegerKnob, Scale } from '../optimizer/space/knob.ts';
import type { ValuesOf } from '../optimizer/space/knob-space.ts';

function whole(
  description: string,
  unit: string,
  range: readonly [number, number],
  scale: Scale = 'log',
  deactivatedBy?: Deactivation,
): IntegerKnob {
  const [minimum, maximum] = range;
  return integerKnob({
    description,
    unit,
    scale,
    minimum,
    maximum,
    ...(deactivatedBy && { deactivatedBy }),
  });
}

const withoutKeepAlive: Deactivation = { knob: 'httpd.keepAlive', value: false };
const withoutRetries: Deactivation = { knob: 'mesh.retries', value: 0 };
const withoutCompression: Deactivation = { knob: 'httpd.compression', value: false };
const withoutEjection: Deactivation = { knob: 'mesh.outlierMaxEjectionPercent', value: 0 };

export const STACK_KNOBS = Object.freeze({
  'httpd.keepAlive': booleanKnob({ description: 'Connections from the proxy stay open' }),
  'httpd.keepAliveTimeout': whole(
    'How long httpd keeps an idle connection',
    'ms',
    [1, 600_000],
    'log',
    withoutKeepAlive,
  ),
  'httpd.maxKeepAliveRequests': whole(
    'Requests per kept connection; 0 is unlimited',
    'requests',
    [0, 1_000_000],
    'linear',
    withoutKeepAlive,
  ),
  'httpd.maxRequestWorkers': whole(
    'Threads that serve requests, over all children',
    'threads',
    [1, 20_000],
  ),
  'httpd.threadsPerChild': whole('Threads of one child process', 'threads', [1, 1000]),
  'httpd.threadLimit': whole(
    'Upper bound of threadsPerChild, fixed at start',
    'threads',
    [1, 1000],
  ),
  'httpd.serverLimit': whole(
    'Upper bound of child processes, fixed at start',
    'processes',
    [1, 20_000],
  ),
  'httpd.startServers': whole('Children started at once', 'processes', [1, 1000]),
  'httpd.minSpareThreads': whole(
    'Idle threads below which children are added',
    'threads',
    [1, 20_000],
  ),
  'httpd.maxSpareThreads': whole(
    'Idle threads above which children are ended',
    'threads',
    [1, 20_000],
  ),
  'httpd.listenBacklog': whole('Queue of connections not yet accepted', 'connections', [1, 65_535]),
  'httpd.compression': booleanKnob({
    description: 'Text goes out compressed where a client takes it',
  }),
  'httpd.compressionLevel': whole(
    'Effort of the compression: 1 is the fastest, 9 the smallest',
    'level',
    [1, 9],
    'linear',
    withoutCompression,
  ),
  'proxy.max': whole('Connections to Jetty per child process', 'connections', [1, 1000]),
  'proxy.ttl': whole(
    'Idle time after which a connection to Jetty is not used again',
    's',
    [1, 3600],
  ),
  'proxy.acquire': whole('Wait for a free connection to Jetty, then 503', 'ms', [1, 60_000]),
  'proxy.retry': whole(
    'Time for which an unreachable Jetty is not tried again',
    's',
    [0, 3600],
    'linear',
  ),
  'jetty.maxThreads': whole('Size of the thread pool', 'threads', [8, 20_000]),
  'jetty.minThreads': whole('Threads kept when idle', 'threads', [1, 20_000]),
  'jetty.acceptQueueSize': whole(
    'Queue of connections not yet accepted',
    'connections',
    [1, 65_535],
  ),
  'jetty.idleTimeout': whole('How long Jetty keeps an idle connection', 'ms', [1000, 3_600_000]),
  'jetty.virtualThreads': booleanKnob({
    description: 'Requests run on virtual threads (Java 21); as many at once as maxThreads says',
  }),
  'mesh.idleTimeout': whole(
    'How long the proxy keeps an idle connection to httpd',
    'ms',
    [1, 3_600_000],
  ),
  'mesh.connectTimeout': whole('Wait for a connection to httpd', 'ms', [1, 60_000]),
  'mesh.maxConnections': whole('Connections to an arm, per proxy', 'connections', [1, 100_000]),
  'mesh.maxPendingRequests': whole(
    'Requests waiting for a connection, per proxy',
    'requests',
    [1, 100_000],
  ),
  'mesh.maxRequestsPerConnection': whole(
    'Requests that the proxy sends over one connection; 0 is unlimited',
    'requests',
    [0, 1_000_000],
    'linear',
  ),
  'mesh.loadBalancer': categoricalKnob({
    description: 'How the proxy chooses a node',
    categories: ['ROUND_ROBIN', 'LEAST_REQUEST'],
  }),
  'mesh.retries': whole(
    'Further tries where nothing reached the application',
    'tries',
    [0, 10],
    'linear',
  ),
  'mesh.perTryTimeout': whole('Deadline of one try', 'ms', [1, 3_600_000], 'log', withoutRetries),
  'mesh.timeout': whole('Deadline of a request with all its tries', 'ms', [1, 3_600_000]),
  'mesh.outlierMaxEjectionPercent': whole(
    'Nodes that outlier detection may take out',
    '%',
    [0, 100],
    'linear',
  ),
  'mesh.outlierConsecutiveErrors': whole(
    'Gateway failures in a row that take a node out',
    'failures',
    [1, 1000],
    'log',
    withoutEjection,
  ),
  'mesh.outlierInterval': whole(
    'Time between two looks of outlier detection',
    'ms',
    [1, 3_600_000],
    'log',
    withoutEjection,
  ),
  'mesh.outlierBaseEjection': whole(
    'How long a node stays out, times how often it went out in a row',
    'ms',
    [1, 3_600_000],
    'log',
    withoutEjection,
  ),
  'mesh.nodeWeighting': whole(
    'How far traffic follows the speed of the nodes: 0 shares it equally, 100 in proportion',
    '%',
    [0, 100],
    'linear',
  ),
});

export type KnobName = keyof typeof STACK_KNOBS;

/** Values of all knobs, by name. */
export type StackValues = ValuesOf<typeof STACK_KNOBS>;

/** All knob names, in the order of declaration. */
export const KNOB_NAMES = Object.freeze(Object.keys(STACK_KNOBS)) as readonly KnobName[];
