/** Production traffic by arm from Envoy's counters, as the platform's Prometheus scraped them. */
import { growth, wasScraped, type Span } from './counters.ts';
import { rawSamples, type Series } from './prometheus-api.ts';
import type { ArmTraffic, LatencyHistogram, Telemetry } from './telemetry.ts';

export interface PrometheusTelemetryOptions {
  /** Base URL, without a slash at the end. */
  readonly url: string;
  /** Greatest age in milliseconds of the scrape that stands for an end of a span, and longest pause between two. */
  readonly maxAgeMs?: number;
}

/** Scrapes are a second apart: this forgives two that came too late. */
const MAX_AGE_MS = 3500;
const ENVIRONMENT = 'production';

const COMPLETED = 'envoy_cluster_upstream_rq_completed';
const BY_CLASS = 'envoy_cluster_upstream_rq_xx';
const BY_CODE = 'envoy_cluster_upstream_rq';
const RESETS = 'envoy_cluster_upstream_rq_rx_reset';
const RETRIES = 'envoy_cluster_upstream_rq_retry';
/** There from a cluster's beginning, also before its first request. */
const PRESENCE = 'envoy_cluster_upstream_rq_total';
const BUCKETS = 'envoy_cluster_upstream_rq_time_bucket';
const CLASS_LABEL = 'envoy_response_code_class';
const CODE_LABEL = 'envoy_response_code';

/**
 * The telemetry port on Prometheus. Counts are raw differences of counters between the scrapes in
 * force at the ends of the span. Whatever is missing, late or odd gives `undefined` for every arm
 * concerned: no data is never good data.
 */
export function createPrometheusTelemetry({
  url,
  maxAgeMs = MAX_AGE_MS,
}: PrometheusTelemetryOptions): Telemetry {
  return {
    async armTraffic(service, armIds, span) {
      const nothing = new Map<string, ArmTraffic | undefined>(armIds.map((id) => [id, undefined]));
      if (armIds.length === 0 || !(span.toMs > span.fromMs)) return nothing;
      // One scrape more than the oldest that may stand for the beginning.
      const range = { fromMs: span.fromMs - maxAgeMs - 1000, toMs: span.toMs };
      let up: readonly Series[];
      let series: readonly Series[];
      try {
        [up, series] = await Promise.all([
          rawSamples(url, `up{job="envoy",environment="${ENVIRONMENT}"}`, range),
          rawSamples(url, clusterSelector(service, armIds), range),
        ]);
      } catch {
        return nothing;
      }
      const [target, ...more] = up;
      if (target === undefined || more.length > 0 || !wasScraped(target, span, maxAgeMs)) {
        return nothing;
      }
      for (const armId of armIds) {
        const own = series.filter(({ labels }) => labels.subset === armId);
        nothing.set(armId, trafficOf(armId, own, span, maxAgeMs));
      }
      return nothing;
    },
  };
}

/** Counts of one arm; `undefined` when its cluster is not among the series now. */
function trafficOf(
  armId: string,
  series: readonly Series[],
  span: Span,
  maxAgeMs: number,
): ArmTraffic | undefined {
  const sum = (name: string, label?: string, value?: string): number =>
    series
      .filter(({ labels }) => labels.__name__ === name && (!label || labels[label] === value))
      .reduce((total, one) => total + (growth(one, span, maxAgeMs) ?? NaN), 0);
  const present = series.find(({ labels }) => labels.__name__ === PRESENCE);
  if (present === undefined || growth(present, span, maxAgeMs) === undefined) return undefined;
  const requests = sum(COMPLETED);
  const answered = sum(BY_CLASS, CLASS_LABEL, '5');
  // A reset before an answer is retried or counted as 503; what is left broke off an answer.
  const brokenOff = Math.max(0, sum(RESETS) - sum(RETRIES) - sum(BY_CODE, CODE_LABEL, '503'));
  const latency = histogramOf(series, span, maxAgeMs);
  const failures = answered + brokenOff;
  if (latency === undefined || !Number.isFinite(requests) || !Number.isFinite(failures)) {
    return undefined;
  }
  return { armId, requests, failures: Math.min(failures, requests), latency };
}

function histogramOf(
  series: readonly Series[],
  span: Span,
  maxAgeMs: number,
): LatencyHistogram | undefined {
  const bounds: { leMs: number; count: number }[] = [];
  for (const one of series.filter(({ labels }) => labels.__name__ === BUCKETS)) {
    const count = growth(one, span, maxAgeMs);
    const leMs = one.labels.le === '+Inf' ? Infinity : Number(one.labels.le);
    if (count === undefined || Number.isNaN(leMs)) return undefined;
    bounds.push({ leMs, count });
  }
  return { bounds: bounds.sort((one, other) => one.leMs - other.leMs) };
}

function clusterSelector(service: string, armIds: readonly string[]): string {
  const names = [COMPLETED, BY_CLASS, BY_CODE, RESETS, RETRIES, PRESENCE, BUCKETS].join('|');
  const arms = armIds.map((id) => id.replace(/[^A-Za-z0-9_-]/g, '')).join('|');
  return `{__name__=~"${names}",environment="${ENVIRONMENT}",service=${JSON.stringify(service)},subset=~"${arms}"}`;
}
