/**
 * The workload as the tuner knows it, so that experience of like workloads can be told from that of
 * others. Features are rounded: what is the same workload measured twice must have the same context,
 * or configurations that broke a limit on it would not be recognised.
 */
import { quantileMs } from '../../judge/standing.ts';
import type { Sample } from '../../load/sample.ts';
import type { NodeResources } from '../../stack/resources.ts';
import type { TuningFacts } from '../ports.ts';

/** Logarithms to base 2, rounded to halves: what is measured varies less than by a factor of 1.2. */
const STEP = 0.5;
/** Per cent of the answers: little of it is waiting in queues, most of it the application's own time. */
const UNQUEUED = 10;

/** @param nodes of the candidate's arm */
export function tuningContext(
  { measurement, workload }: TuningFacts,
  nodes: number,
  { cores }: NodeResources,
): Readonly<Record<string, number>> {
  const rate = workload.rate / nodes;
  const own = measurement.samples.filter(({ arm, window }) => arm === 'candidate' && window >= 0);
  const backendMs = unqueuedMs(own);
  return {
    rate: Math.log2(rate),
    ...mixOf(workload.requests),
    ...(backendMs === undefined
      ? {}
      : {
          backend: rounded(Math.log2(backendMs), STEP),
          concurrency: rounded(Math.log2(Math.max(1, (rate * backendMs) / 1000)), STEP),
        }),
    ...utilisationOf(measurement, own, nodes * cores),
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

/** Share of the nodes' cores that the arm used; absent where nobody told. */
function utilisationOf(
  { cpuSecondsByWindow = [] }: TuningFacts['measurement'],
  samples: readonly Sample[],
  cores: number,
): { readonly utilisation?: number } {
  const own = cpuSecondsByWindow.filter(({ arm }) => arm === 'candidate');
  const times = samples.map(({ intendedUs }) => intendedUs);
  const first = times.reduce((least, time) => Math.min(least, time), Infinity);
  const last = times.reduce((most, time) => Math.max(most, time), -Infinity);
  const seconds = (last - first) / 1e6;
  if (own.length === 0 || !(seconds > 0)) return {};
  const used = own.reduce((sum, one) => sum + one.seconds, 0);
  return { utilisation: rounded(Math.min(1, used / seconds / cores), 0.1) };
}

function rounded(value: number, step: number): number {
  return Math.round(value / step) * step;
}
