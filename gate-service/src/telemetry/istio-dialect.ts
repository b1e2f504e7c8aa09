/**
 * Counts of an arm from the metrics of Istio's own proxy, as the gateways report them (`reporter`
 * `source`): requests that never reached a pod are in them, and those that pods report once more are
 * not. An arm is told by its pods' label `service.istio.io/canonical-revision`. Pure.
 */
import { histogramOf } from './histogram.ts';
import type { Series } from './prometheus-api.ts';
import type { Targets } from './targets.ts';
import type { ArmTraffic } from './telemetry.ts';

const REQUESTS = 'istio_requests_total';
const BUCKETS = 'istio_request_duration_milliseconds_bucket';
/** Every proxy of Istio's has it, also before its first request. */
export const ISTIO_PRESENCE = 'istio_build';
export const ISTIO_METRICS: readonly string[] = [REQUESTS, BUCKETS];

/** What Istio says where no pod was reached, or the pod has no revision. */
const NAMELESS: ReadonlySet<string | undefined> = new Set(['latest', 'unknown', '', undefined]);
/** An answer that began, and was broken off by these, has a code below 500. */
const UPSTREAM_FLAGS: ReadonlySet<string> = new Set(
  'UH UF UO UC UR UT LH LR URX UPE SI NC NR UMSDR OM'.split(' '),
);

/**
 * Counts of each arm over all gateways. A metric of Istio's begins with its first request, so that
 * an arm without one had none: that is known only because every gateway has shown Istio's metrics.
 * Failures that name no arm (no pod could be reached) count against each of them.
 * @param series the service's requests and latencies
 * @param presence Istio's `istio_build` of the gateways
 * @throws Error when a gateway shows none of Istio's metrics, or answers came from pods of no arm's name
 */
export function istioTraffic(
  armIds: readonly string[],
  series: readonly Series[],
  presence: readonly Series[],
  targets: Targets,
): ReadonlyMap<string, ArmTraffic | undefined> {
  requireIstio([...presence, ...series], targets);
  const nameless = series.filter(({ labels }) => isNameless(labels));
  const unreached = countsOf(nameless, targets);
  if (unreached !== undefined && unreached.requests > unreached.failures) {
    throw new Error(
      `${unreached.requests - unreached.failures} answers came from pods that Istio's metrics give no arm: pods of arms need the label service.istio.io/canonical-revision with the arm's name`,
    );
  }
  return new Map(
    armIds.map((armId) => {
      const own = series.filter(
        ({ labels }) => labels.destination_canonical_revision === armId && !isNameless(labels),
      );
      return [armId, trafficOf(armId, own, unreached?.failures, targets)];
    }),
  );
}

function requireIstio(series: readonly Series[], targets: Targets): void {
  const shown = new Set(
    series.filter((one) => targets.growth(one) !== undefined).map((one) => targets.nameOf(one)),
  );
  const silent = targets.live.find((name) => !shown.has(name));
  if (silent === undefined) return;
  throw new Error(
    `${silent} shows none of Istio's metrics: for gateways that are plain Envoys the dialect is envoy`,
  );
}

function isNameless(labels: Series['labels']): boolean {
  return (
    labels.destination_workload === 'unknown' || NAMELESS.has(labels.destination_canonical_revision)
  );
}

function trafficOf(
  armId: string,
  series: readonly Series[],
  unreached: number | undefined,
  targets: Targets,
): ArmTraffic | undefined {
  const counts = countsOf(series, targets);
  const latency = histogramOf(
    series.filter(({ labels }) => labels.__name__ === BUCKETS),
    (one) => targets.growth(one),
  );
  if (counts === undefined || latency === undefined || unreached === undefined) return undefined;
  return {
    armId,
    requests: counts.requests + unreached,
    failures: counts.failures + unreached,
    latency,
  };
}

/** `undefined` when a counter is odd. */
function countsOf(
  series: readonly Series[],
  targets: Targets,
): { readonly requests: number; readonly failures: number } | undefined {
  let requests = 0;
  let failures = 0;
  for (const one of series) {
    if (one.labels.__name__ !== REQUESTS) continue;
    const count = targets.growth(one);
    if (count === undefined) return undefined;
    requests += count;
    if (hasFailed(one.labels)) failures += count;
  }
  return { requests, failures };
}

/** A client that hung up (code 0, flag DC) had no answer, which is no failure of the arm's by itself. */
function hasFailed({
  response_code: code,
  response_flags: flags = '-',
}: Series['labels']): boolean {
  const status = Number(code);
  if (!(status >= 0 && status < 500)) return true;
  return flags.split(',').some((flag) => UPSTREAM_FLAGS.has(flag));
}
