/** What one node of the candidate carried during the code comparison: what tuning goes by. */
import type { NodeTelemetry } from '../../stack/headroom.ts';
import type { TuningFacts } from '../ports.ts';

/** NaN where the evidence is missing: nothing to win is shown then. */
export function nodeTelemetry(facts: TuningFacts): NodeTelemetry {
  const nodes = facts.observations.at(-1)?.find(({ arm }) => arm.id === facts.candidateArmId)?.arm
    .nodes.length;
  const latencies = facts.measurement.samples
    .filter(({ arm, status, window }) => arm === 'candidate' && window >= 0 && status === 'ok')
    .map(({ latencyUs }) => latencyUs / 1000)
    .sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  return {
    ratePerSecond: nodes === undefined ? NaN : facts.workload.rate / nodes,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    concurrency: busiest(facts),
  };
}

/** Most requests in flight that a node of the candidate was seen with. */
function busiest({ candidateArmId, observations }: TuningFacts): number {
  const seen = observations
    .flat()
    .filter(({ arm }) => arm.id === candidateArmId)
    .flatMap(({ nodes }) => nodes)
    .flatMap(({ status }) =>
      status?.httpd === undefined
        ? []
        : [status.httpd.busyWorkers + (status.jetty?.queueSize ?? 0)],
    );
  return seen.length === 0 ? NaN : Math.max(...seen);
}
