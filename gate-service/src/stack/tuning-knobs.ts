/**
 * What a tuner may turn of this stack. Most sizes hang together, so that it turns one leading knob
 * and the others follow by rule (`pools.ts`); that makes a space small enough for a few dozen noisy
 * evaluations. The knobs and their ranges are the same in every situation, so that experience of
 * one service can be read by another; what may not be turned in a situation is held still.
 */
import { booleanKnob, categoricalKnob, integerKnob } from '../optimizer/space/knob.ts';
import type { ValuesOf } from '../optimizer/space/knob-space.ts';
import type { KnobName } from './knobs.ts';
import { STACK_KNOBS } from './knobs.ts';
import { POOL_KNOBS } from './pools.ts';

/** httpd keeps an idle connection so much longer than the proxy (rule 1). */
export const IDLE_MARGIN_MS = 2000;

const withoutKeepAlive = { knob: 'httpd.keepAlive', value: false } as const;

export const TUNING_KNOBS = Object.freeze({
  places: integerKnob({
    description: 'Requests that a node serves at the same time; all pools follow',
    unit: 'requests',
    scale: 'log',
    minimum: 16,
    maximum: 8192,
  }),
  'jetty.minThreads': integerKnob({
    description: STACK_KNOBS['jetty.minThreads'].description,
    unit: 'threads',
    scale: 'log',
    minimum: 4,
    maximum: 1024,
  }),
  'jetty.virtualThreads': booleanKnob({
    description: STACK_KNOBS['jetty.virtualThreads'].description,
  }),
  'httpd.keepAlive': booleanKnob({ description: STACK_KNOBS['httpd.keepAlive'].description }),
  'httpd.unlimitedKeepAlive': booleanKnob({
    description: 'A kept connection may carry any number of requests',
    deactivatedBy: withoutKeepAlive,
  }),
  'mesh.idleTimeout': integerKnob({
    description: 'How long the proxy keeps an idle connection to httpd; httpd waits longer',
    unit: 'ms',
    scale: 'log',
    minimum: 1000,
    maximum: 60_000,
    deactivatedBy: withoutKeepAlive,
  }),
  'httpd.compressionLevel': integerKnob({
    description: STACK_KNOBS['httpd.compressionLevel'].description,
    unit: 'level',
    scale: 'linear',
    minimum: 1,
    maximum: 9,
  }),
  'mesh.loadBalancer': categoricalKnob({
    description: STACK_KNOBS['mesh.loadBalancer'].description,
    categories: ['ROUND_ROBIN', 'LEAST_REQUEST'],
  }),
  'mesh.nodeWeighting': integerKnob({
    description: STACK_KNOBS['mesh.nodeWeighting'].description,
    unit: '%',
    scale: 'linear',
    minimum: 0,
    maximum: 100,
  }),
});

export type TuningKnobName = keyof typeof TUNING_KNOBS;
export type TuningValues = ValuesOf<typeof TUNING_KNOBS>;
export const TUNING_KNOB_NAMES = Object.freeze(
  Object.keys(TUNING_KNOBS),
) as readonly TuningKnobName[];

/** Knobs of the stack that take their value from each of the tuner's, the one that matters first. */
export const LED_KNOBS: Readonly<Record<TuningKnobName, readonly [KnobName, ...KnobName[]]>> = {
  places: POOL_KNOBS,
  'jetty.minThreads': ['jetty.minThreads'],
  'jetty.virtualThreads': ['jetty.virtualThreads'],
  'httpd.keepAlive': ['httpd.keepAlive', 'httpd.keepAliveTimeout'],
  'httpd.unlimitedKeepAlive': ['httpd.maxKeepAliveRequests'],
  'mesh.idleTimeout': ['mesh.idleTimeout', 'httpd.keepAliveTimeout'],
  'httpd.compressionLevel': ['httpd.compressionLevel'],
  'mesh.loadBalancer': ['mesh.loadBalancer'],
  'mesh.nodeWeighting': ['mesh.nodeWeighting'],
};

const ERRORS_FOR_LATENCY =
  'a tighter value turns slow answers into errors and a wider one hides them: that is a promise to clients, no tuning';
const HOW_FAILURES_END =
  'it only acts when a node fails, which a measurement of healthy nodes cannot see';

/** Knobs of the stack that no tuner turns, and why. */
export const NOT_TUNED: Readonly<Partial<Record<KnobName, string>>> = {
  'httpd.compression':
    'a test on one machine sees the work of compression and not the network that it saves',
  'proxy.ttl': 'it only has to be shorter than Jetty’s idle time',
  'proxy.acquire': ERRORS_FOR_LATENCY,
  'proxy.retry': HOW_FAILURES_END,
  'jetty.idleTimeout': 'it only has to be longer than the proxy pool keeps a connection',
  'mesh.connectTimeout': ERRORS_FOR_LATENCY,
  'mesh.maxConnections': ERRORS_FOR_LATENCY,
  'mesh.maxPendingRequests': ERRORS_FOR_LATENCY,
  'mesh.maxRequestsPerConnection': 'a limit only adds new connections',
  'mesh.retries': ERRORS_FOR_LATENCY,
  'mesh.perTryTimeout': ERRORS_FOR_LATENCY,
  'mesh.timeout': ERRORS_FOR_LATENCY,
  'mesh.outlierMaxEjectionPercent': HOW_FAILURES_END,
  'mesh.outlierConsecutiveErrors': HOW_FAILURES_END,
  'mesh.outlierInterval': HOW_FAILURES_END,
  'mesh.outlierBaseEjection': HOW_FAILURES_END,
};
