/** What one node of the candidate carried during the code comparison: what tuning goes by. */
import type { ArmObservation } from '../../platforms/platform.ts';
import type { NodeTelemetry, NodeUse } from '../../stack/headroom.ts';
import type { NodeResources } from '../../stack/resources.ts';
import type { TuningFacts } from '../ports.ts';
import { countedSamples } from './counted-samples.ts';

type NodeStatus = NonNullable<ArmObservation['nodes'][number]['status']>;

/** NaN where the evidence is missing: nothing to win is shown then. */
export function nodeTelemetry(facts: TuningFacts, { cores }: NodeResources): NodeTelemetry {
  const nodes = facts.observations.at(-1)?.find(({ arm }) => arm.id === facts.candidateArmId)?.arm
    .nodes.length;
  const latencies = countedSamples(facts.measurement, 'candidate')
    .filter(({ status }) => status === 'ok')
    .map(({ latencyUs }) => latencyUs / 1000)
    .sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  return {
    ratePerSecond: nodes === undefined ? NaN : facts.workload.rate / nodes,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    concurrency: busiest(facts),
    ...useOf(facts, nodes ?? NaN, cores),
  };
}

/** Most requests in flight that a node of the candidate was seen with. */
function busiest(facts: TuningFacts): number {
  const seen = statusesOf(facts).flatMap(({ httpd, jetty }) =>
    httpd === undefined ? [] : [httpd.busyWorkers + (jetty?.queueSize ?? 0)],
  );
  return seen.length === 0 ? NaN : Math.max(...seen);
}

/** Absent where no node told both of httpd and of Jetty. */
function useOf(facts: TuningFacts, nodes: number, cores: number): { readonly seen?: NodeUse } {
  const whole = statusesOf(facts).flatMap(({ httpd, jetty }) =>
    httpd === undefined || jetty === undefined ? [] : [{ httpd, jetty }],
  );
  if (whole.length === 0) return {};
  const most = (of: (status: (typeof whole)[number]) => number): number =>
    Math.max(...whole.map(of));
  const cpuShare = cpuShareOf(facts, nodes * cores);
  return {
    seen: {
      busyWorkers: most(({ httpd }) => httpd.busyWorkers),
      jettyThreadsBusy: most(({ jetty }) => jetty.utilizedThreads),
      jettyQueue: most(({ jetty }) => jetty.queueSize),
      ...(cpuShare === undefined ? {} : { cpuShare }),
    },
  };
}

function statusesOf({ candidateArmId, observations }: TuningFacts): readonly NodeStatus[] {
  return observations
    .flat()
    .filter(({ arm }) => arm.id === candidateArmId)
    .flatMap(({ nodes }) => nodes)
    .flatMap(({ status }) => (status === undefined ? [] : [status]));
}

/** CPU that the candidate's nodes used during the measurement of all that is theirs, 0–1; undefined where nobody told. */
export function cpuShareOf(
  { measurement }: Pick<TuningFacts, 'measurement'>,
  cores: number,
): number | undefined {
  const { cpuSecondsByWindow = [], samples } = measurement;
  const measured = samples.filter(({ arm, window }) => arm === 'candidate' && window >= 0);
  const windows = new Set(measured.map(({ window }) => window));
  const own = cpuSecondsByWindow.filter(
    ({ arm, window }) => arm === 'candidate' && windows.has(window),
  );
  const times = measured.map(({ intendedUs }) => intendedUs);
  const first = times.reduce((least, time) => Math.min(least, time), Infinity);
  const last = times.reduce((most, time) => Math.max(most, time), -Infinity);
  // Of the windows whose CPU was told: a reading that came late leaves some out.
  const seconds = (((last - first) / 1e6) * own.length) / windows.size;
  if (own.length === 0 || !(seconds > 0) || !(cores > 0)) return undefined;
  const used = own.reduce((sum, one) => sum + one.seconds, 0);
  return Math.min(1, used / seconds / cores);
}
