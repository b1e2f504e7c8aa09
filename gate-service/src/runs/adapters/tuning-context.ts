/**
 * The workload as the tuner knows it, so that experience of like workloads can be told from that of
 * others. What is the same workload measured twice must be recognised, or configurations that broke
 * a limit on it would be entered again.
 */
import { quantileMs } from '../../judge/standing.ts';
import type { Sample } from '../../load/sample.ts';
import type { NodeResources } from '../../stack/resources.ts';
import type { TuningFacts } from '../ports.ts';
import { countedSamples } from './counted-samples.ts';
import { cpuShareOf } from './node-telemetry.ts';

type Context = Readonly<Record<string, number>>;

/**
 * How far features of the same workload lie apart at most. Rates and mixes are set, so they differ
 * only where somebody changed them a little; times are measured, and vary by less than a factor of
 * 1.2. There is no rounding: a value near its edge would fall on either side of it.
 */
const APART: Readonly<Record<string, number>> = {
  rate: Math.log2(1.05),
  kinds: 0.05,
  writes: 0.02,
  backend: Math.log2(1.2),
  concurrency: Math.log2(1.2),
  utilisation: 0.1,
};
/** Per cent of the answers: little of it is waiting in queues, most of it the application's own time. */
const UNQUEUED = 10;

/** Whether both are the same workload, measured twice. */
export function isSameWorkload(one: Context, other: Context): boolean {
  return Object.keys({ ...one, ...other }).every((name) => {
    const apart = Math.abs((one[name] ?? NaN) - (other[name] ?? NaN));
    return apart <= (APART[name] ?? 0);
  });
}

/**
 * Logarithms are to base 2.
 * @param nodes of the candidate's arm
 */
export function tuningContext(
  { measurement, workload }: Pick<TuningFacts, 'measurement' | 'workload'>,
  nodes: number,
  { cores }: NodeResources,
): Context {
  const rate = workload.rate / nodes;
  const backendMs = unqueuedMs(countedSamples(measurement, 'candidate'));
  const utilisation = cpuShareOf({ measurement }, nodes * cores);
  return {
    rate: Math.log2(rate),
    ...mixOf(workload.requests),
    ...(backendMs === undefined
      ? {}
      : {
          backend: Math.log2(backendMs),
          concurrency: Math.log2(Math.max(1, (rate * backendMs) / 1000)),
        }),
    ...(utilisation === undefined ? {} : { utilisation }),
  };
}

function unqueuedMs(samples: readonly Sample[]): number | undefined {
  const answered = samples.filter(({ status }) => status === 'ok');
  const ms = quantileMs(answered, UNQUEUED);
  return ms === undefined || !(ms > 0) ? undefined : ms;
}

/** Names of kinds mean nothing to another service: how many sorts of requests it has, as evenly as they come, and how many of them write. */
function mixOf(requests: readonly { readonly weight: number; readonly method: string }[]): {
  readonly kinds: number;
  readonly writes: number;
} {
  const total = requests.reduce((sum, { weight }) => sum + weight, 0);
  const entropy = requests.reduce((sum, { weight }) => {
    const part = weight / total;
    return sum - part * Math.log2(part);
  }, 0);
  const writes = requests.filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method));
  return { kinds: entropy, writes: writes.reduce((sum, { weight }) => sum + weight, 0) / total };
}
