/** The workloads of headroom.md that the tuner is shown on: two with much to win, two with nothing. */
import {
  workloadSchema,
  type RequestKind,
  type Workload,
} from '../../../gate-service/src/load/workload.ts';

/** What is made better, and how a value is read. */
export type Objective = 'throughput' | 'p95';

interface Common {
  readonly name: string;
  readonly requests: readonly RequestKind[];
  /** For memory: what the requests are, besides what is measured. */
  readonly features: Readonly<Record<string, number>>;
}

export interface ClosedWorkload extends Common {
  readonly loop: 'closed';
  /** Each sends its next request when the last one has its answer. */
  readonly connections: number;
}

export interface OpenWorkload extends Common {
  readonly loop: 'open';
  readonly perSecond: number;
  /** The same requests, as the sender takes them. */
  readonly workload: Workload;
}

export type BenchWorkload = ClosedWorkload | OpenWorkload;

/** About 2 ms of one core: with it the mix needs the processor time that headroom.md's did. */
const ROUNDS = 1_000_000;
const MIX = [
  { name: 'fast', weight: 70, path: '/fast', expect: { status: 200 } },
  { name: 'wait', weight: 25, path: '/wait?ms=30', expect: { status: 200 } },
  { name: 'compute', weight: 5, path: `/compute?rounds=${ROUNDS}`, expect: { status: 200 } },
];
const MIX_FEATURES = { waitShare: 0.25, computeShare: 0.05 };

function workloadOf(requests: readonly object[], rate: number): Workload {
  return workloadSchema.parse({ rate, arrivals: 'poisson', requests });
}

function closed(
  name: string,
  connections: number,
  requests: readonly object[],
  features: Common['features'],
): ClosedWorkload {
  return {
    name,
    loop: 'closed',
    connections,
    requests: workloadOf(requests, 1).requests,
    features,
  };
}

function open(
  name: string,
  perSecond: number,
  requests: readonly object[],
  features: Common['features'],
): OpenWorkload {
  // The sender thinks in pairs of requests; both of a pair go to the same node here.
  const workload = workloadOf(requests, perSecond / 2);
  return { name, loop: 'open', perSecond, requests: workload.requests, workload, features };
}

const wait100 = [{ name: 'wait', path: '/wait?ms=100', expect: { status: 200 } }];
const fast = [{ name: 'fast', path: '/fast', expect: { status: 200 } }];

export const WORKLOADS: readonly BenchWorkload[] = [
  closed('wait100@512', 512, wait100, { waitShare: 1, computeShare: 0 }),
  closed('mix@256', 256, MIX, MIX_FEATURES),
  closed('fast@64', 64, fast, { waitShare: 0, computeShare: 0 }),
  open('mix@2000/s', 2000, MIX, MIX_FEATURES),
];

/** Whether headroom.md saw anything to win there. */
export function hasGain({ name }: Pick<BenchWorkload, 'name'>): boolean {
  return name === 'wait100@512' || name === 'mix@256';
}

/** In a closed loop throughput is what is won; in an open one it is given, and latency remains. */
export function objectiveOf({ loop }: Pick<BenchWorkload, 'loop'>): Objective {
  return loop === 'closed' ? 'throughput' : 'p95';
}
