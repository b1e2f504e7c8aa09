/**
 * Counts of an arm from plain Envoy's metrics: each arm is a cluster of its own, whose counters say
 * what it was sent. Pure.
 */
import { histogramOf } from './histogram.ts';
import type { Series } from './prometheus-api.ts';
import type { Targets } from './targets.ts';
import type { ArmTraffic } from './telemetry.ts';

const COMPLETED = 'envoy_cluster_upstream_rq_completed';
const BY_CLASS = 'envoy_cluster_upstream_rq_xx';
const BY_CODE = 'envoy_cluster_upstream_rq';
const RESETS = 'envoy_cluster_upstream_rq_rx_reset';
const RETRIES = 'envoy_cluster_upstream_rq_retry';
/** There from a cluster's beginning, also before its first request. */
const PRESENCE = 'envoy_cluster_upstream_rq_total';
const BUCKETS = 'envoy_cluster_upstream_rq_time_bucket';

/** All that counts are made of. */
export const ENVOY_METRICS: readonly string[] = [
  COMPLETED,
  BY_CLASS,
  BY_CODE,
  RESETS,
  RETRIES,
  PRESENCE,
  BUCKETS,
];

/**
 * Counts of one arm over all proxies.
 * @param series those of the arm's clusters
 * @returns `undefined` when a proxy does not have the arm's cluster at the end, or a counter is odd
 */
export function envoyTraffic(
  armId: string,
  series: readonly Series[],
  targets: Targets,
): ArmTraffic | undefined {
  const named = (name: string): readonly Series[] =>
    series.filter(({ labels }) => labels.__name__ === name);
  const sum = (counters: readonly Series[]): number =>
    counters.reduce((total, one) => total + (targets.growth(one) ?? NaN), 0);
  const present = new Set(
    named(PRESENCE)
      .filter((one) => targets.growth(one) !== undefined)
      .map((one) => targets.nameOf(one)),
  );
  if (!targets.live.every((name) => present.has(name))) return undefined;
  const requests = sum(named(COMPLETED));
  const answered = sum(named(BY_CLASS).filter((one) => classOf(one) === '5'));
  const unavailable = sum(named(BY_CODE).filter((one) => codeOf(one) === '503'));
  // A reset before an answer is retried or counted as 503; what is left broke off an answer.
  const brokenOff = Math.max(0, sum(named(RESETS)) - sum(named(RETRIES)) - unavailable);
  const latency = histogramOf(named(BUCKETS), (one) => targets.growth(one));
  const failures = answered + brokenOff;
  if (latency === undefined || !Number.isFinite(requests) || !Number.isFinite(failures)) {
    return undefined;
  }
  return { armId, requests, failures: Math.min(failures, requests), latency };
}

/** Envoy's own label, or that of Istio's bootstrap (`5xx`). */
function classOf({ labels }: Series): string | undefined {
  return labels.envoy_response_code_class ?? labels.response_code_class?.replace('xx', '');
}

function codeOf({ labels }: Series): string | undefined {
  return labels.envoy_response_code ?? labels.response_code;
}
