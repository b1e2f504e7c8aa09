/** The simulated stacks, each under its own workload or a shifted one. */
import { queueingStack } from './queueing-stack.ts';
import type { SimulatedStack } from './stack.ts';
import type { Workload } from './queueing.ts';

/** How a former session's workload differed: factors on arrivals, backend time, CPU time and size of answers. */
export interface Shift {
  readonly load: number;
  readonly backend: number;
  readonly cpu: number;
  readonly answer: number;
}

export const NO_SHIFT: Shift = { load: 1, backend: 1, cpu: 1, answer: 1 };

function shifted(workload: Workload, { load, backend, cpu, answer }: Shift): Workload {
  return {
    ...workload,
    load:
      workload.load.kind === 'open'
        ? { kind: 'open', perSecond: workload.load.perSecond * load }
        : {
            ...workload.load,
            connections: Math.round(workload.load.connections * load),
          },
    backendSeconds: workload.backendSeconds * backend,
    cpuSeconds: workload.cpuSeconds * cpu,
    answerKiB: workload.answerKiB * answer,
  };
}

function closedWait(shift: Shift): SimulatedStack {
  const workload = shifted(
    {
      load: { kind: 'closed', connections: 1000, thinkSeconds: 0.02 },
      cpuSeconds: 0.0006,
      backendSeconds: 0.09,
      backendKnee: 620,
      answerKiB: 24,
      clientMiBPerSecond: 1,
      stallShare: 0.004,
      stallSeconds: 1,
    },
    shift,
  );
  return queueingStack({
    name: 'closed-wait',
    summary:
      'closed loop, 1,000 connections, answers wait for a backend with a knee; ten knobs, pools in series, two nodes of unequal speed',
    knobs: [
      'children',
      'threadsPerChild',
      'proxyMax',
      'acquireMs',
      'jettyThreads',
      'keepAlive',
      'keepAliveMs',
      'compression',
      'fastShare',
      'balancer',
    ],
    workload,
    machine: { cores: 4, memoryMiB: 1600, descriptors: 2600, slowNode: 0.45 },
    noise: { value: 0.08, metrics: 0.08, drift: 0.04, driftPeriod: 40 },
    start: {
      children: 6,
      threadsPerChild: 25,
      proxyMax: 25,
      acquireMs: 1000,
      jettyThreads: 200,
      keepAlive: true,
      keepAliveMs: 5000,
      compression: 6,
      fastShare: 0.5,
      balancer: 'round-robin',
    },
  });
}

function openTail(shift: Shift): SimulatedStack {
  const workload = shifted(
    {
      load: { kind: 'open', perSecond: 1300 },
      cpuSeconds: 0.0009,
      backendSeconds: 0.05,
      backendKnee: 130,
      answerKiB: 48,
      clientMiBPerSecond: 2,
      stallShare: 0.012,
      stallSeconds: 1,
    },
    shift,
  );
  return queueingStack({
    name: 'open-tail',
    summary:
      'open loop, 1,300 a second; deadlines and retries that cut stalls or start a storm, ejection, weights of unequal nodes; twelve knobs',
    knobs: [
      'children',
      'threadsPerChild',
      'proxyMax',
      'jettyThreads',
      'keepAlive',
      'keepAliveMs',
      'compression',
      'fastShare',
      'retries',
      'tryMs',
      'maxConnections',
      'ejectionPercent',
    ],
    workload,
    machine: { cores: 2, memoryMiB: 1200, descriptors: 4000, slowNode: 0.6 },
    noise: { value: 0.08, metrics: 0.1, drift: 0.06, driftPeriod: 50 },
    start: {
      children: 4,
      threadsPerChild: 32,
      proxyMax: 32,
      jettyThreads: 200,
      keepAlive: true,
      keepAliveMs: 5000,
      compression: 4,
      fastShare: 0.5,
      retries: 1,
      tryMs: 3000,
      maxConnections: 1024,
      ejectionPercent: 10,
    },
  });
}

function mild(shift: Shift): SimulatedStack {
  const workload = shifted(
    {
      load: { kind: 'open', perSecond: 850 },
      cpuSeconds: 0.0016,
      backendSeconds: 0.012,
      backendKnee: 300,
      answerKiB: 32,
      clientMiBPerSecond: 2,
      stallShare: 0.002,
      stallSeconds: 0.5,
    },
    shift,
  );
  return queueingStack({
    name: 'mild',
    summary:
      'open loop, moderate load, six knobs, one of them a pool: smooth, some 25 % to win, few cliffs',
    knobs: ['keepAlive', 'keepAliveMs', 'compression', 'fastShare', 'balancer', 'jettyThreads'],
    workload,
    machine: { cores: 4, memoryMiB: 3000, descriptors: 20_000, slowNode: 0.65 },
    noise: { value: 0.06, metrics: 0.08, drift: 0.03, driftPeriod: 40 },
    start: {
      keepAlive: true,
      keepAliveMs: 700,
      compression: 8,
      fastShare: 0.5,
      balancer: 'round-robin',
      jettyThreads: 200,
    },
  });
}

function plateau(shift: Shift): SimulatedStack {
  const workload = shifted(
    {
      load: { kind: 'open', perSecond: 400 },
      cpuSeconds: 0.0012,
      backendSeconds: 0.03,
      backendKnee: 400,
      answerKiB: 8,
      clientMiBPerSecond: 4,
      stallShare: 0.0005,
      stallSeconds: 0.04,
    },
    shift,
  );
  return queueingStack({
    name: 'plateau',
    summary:
      'open loop, light load, eight knobs of pools that are large enough already: nothing to win, cliffs all around',
    knobs: [
      'children',
      'threadsPerChild',
      'proxyMax',
      'acquireMs',
      'jettyThreads',
      'tryMs',
      'maxConnections',
      'balancer',
    ],
    workload,
    machine: { cores: 4, memoryMiB: 1200, descriptors: 4000, slowNode: 1 },
    noise: { value: 0.08, metrics: 0.08, drift: 0.04, driftPeriod: 40 },
    start: {
      children: 6,
      threadsPerChild: 25,
      proxyMax: 25,
      acquireMs: 1000,
      jettyThreads: 200,
      tryMs: 3000,
      maxConnections: 1024,
      balancer: 'least-request',
    },
  });
}

const makers = {
  'closed-wait': closedWait,
  'open-tail': openTail,
  mild,
  plateau,
} as const;

export type StackName = keyof typeof makers;

export const STACK_NAMES = Object.freeze(Object.keys(makers)) as readonly StackName[];

export function simulatedStack(name: StackName, shift: Shift = NO_SHIFT): SimulatedStack {
  return makers[name](shift);
}
