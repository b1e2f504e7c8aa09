/** Generic knobs of the simulated stacks; each stack takes those that it needs. */
import {
  booleanKnob,
  categoricalKnob,
  integerKnob,
  realKnob,
} from '../../../../gate-service/src/optimizer/space/knob.ts';
import type { IntegerKnob } from '../../../../gate-service/src/optimizer/space/knob.ts';
import type { Values } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import type { Pools } from './queueing.ts';

function size(description: string, unit: string, minimum: number, maximum: number): IntegerKnob {
  return integerKnob({ description, unit, scale: 'log', minimum, maximum });
}

export const KNOBS = Object.freeze({
  children: size('httpd processes', 'processes', 1, 64),
  threadsPerChild: size('threads of a process', 'threads', 8, 256),
  proxyMax: size('connections to Jetty of a process', 'connections', 2, 256),
  acquireMs: size('wait for a connection to Jetty, then 503', 'ms', 1, 10_000),
  jettyThreads: size('threads of Jetty', 'threads', 16, 2048),
  keepAlive: booleanKnob({ description: 'whether clients may keep their connection' }),
  keepAliveMs: integerKnob({
    description: 'how long an idle client is kept',
    unit: 'ms',
    scale: 'log',
    minimum: 100,
    maximum: 60_000,
    deactivatedBy: { knob: 'keepAlive', value: false },
  }),
  compression: integerKnob({
    description: 'effort of compression',
    unit: '',
    scale: 'linear',
    minimum: 0,
    maximum: 9,
  }),
  fastShare: realKnob({
    description: 'share of requests that goes to the faster node',
    unit: '',
    scale: 'linear',
    minimum: 0.05,
    maximum: 0.95,
  }),
  retries: integerKnob({
    description: 'further tries of a failed request',
    unit: 'tries',
    scale: 'linear',
    minimum: 0,
    maximum: 4,
  }),
  tryMs: size('deadline of one try', 'ms', 20, 10_000),
  maxConnections: size('connections of the proxy to both nodes', 'connections', 16, 8192),
  balancer: categoricalKnob({
    description: 'how the proxy spreads requests over threads',
    categories: ['round-robin', 'least-request', 'random'],
  }),
  ejectionPercent: integerKnob({
    description: 'share of the nodes that may be taken out',
    unit: '%',
    scale: 'linear',
    minimum: 0,
    maximum: 100,
  }),
});

/** What the knobs that a stack does not have are set to. */
export const FIXED: Pools = Object.freeze({
  children: 8,
  threadsPerChild: 64,
  proxyMax: 64,
  acquireMs: 1000,
  jettyThreads: 400,
  keepAlive: true,
  keepAliveMs: 5000,
  compression: 1,
  fastShare: 0.5,
  retries: 0,
  tryMs: 8000,
  maxConnections: 8192,
  balancer: 'least-request',
  ejectionPercent: 10,
});

/** The pools that these values describe. */
export function poolsOf(values: Values): Pools {
  return { ...FIXED, ...values };
}
