/** Production traffic by arm from Envoy's counters, as the platform's Prometheus scraped them. */
import { ENVOY_METRICS, envoyTraffic } from './envoy-dialect.ts';
import { rawSamples } from './prometheus-api.ts';
import { targetsOf } from './targets.ts';
import type { ArmTraffic, Telemetry } from './telemetry.ts';

export interface PrometheusTelemetryOptions {
  /** Base URL, without a slash at the end. */
  readonly url: string;
  /** Greatest age in milliseconds of the scrape that stands for an end of a span, and longest pause between two. */
  readonly maxAgeMs?: number;
}

/** Scrapes are a second apart: this forgives two that came too late. */
const MAX_AGE_MS = 3500;
const ENVIRONMENT = 'production';

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
      try {
        const [up, series] = await Promise.all([
          rawSamples(url, `up{job="envoy",environment="${ENVIRONMENT}"}`, range),
          rawSamples(url, clusterSelector(service, armIds), range),
        ]);
        const targets = targetsOf(up, span, maxAgeMs);
        return new Map(
          armIds.map((armId) => {
            const own = series.filter(({ labels }) => labels.subset === armId);
            return [armId, envoyTraffic(armId, own, targets)];
          }),
        );
      } catch {
        return nothing;
      }
    },
  };
}

function clusterSelector(service: string, armIds: readonly string[]): string {
  const names = ENVOY_METRICS.join('|');
  const arms = armIds.map((id) => id.replace(/[^A-Za-z0-9_-]/g, '')).join('|');
  return `{__name__=~"${names}",environment="${ENVIRONMENT}",service=${JSON.stringify(service)},subset=~"${arms}"}`;
}
