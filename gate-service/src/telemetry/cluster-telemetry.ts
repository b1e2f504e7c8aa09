/**
 * Production traffic by arm on a mesh of Istio's, as a Prometheus that somebody keeps has scraped
 * its gateways: in the words of Istio's own proxy, or of plain Envoys that istiod configures.
 */
import type { Span } from './counters.ts';
import { ENVOY_METRICS, envoyTraffic } from './envoy-dialect.ts';
import { ISTIO_METRICS, ISTIO_PRESENCE, istioTraffic } from './istio-dialect.ts';
import { rawSamples, type Series } from './prometheus-api.ts';
import { targetsOf, type Targets } from './targets.ts';
import type { ArmTraffic, Telemetry } from './telemetry.ts';

export type MeshDialect = 'envoy' | 'istio';

export interface ClusterTelemetryOptions {
  /** Whose metrics the gateways show: Istio's own proxy (`istio_requests_total`), or plain Envoy. */
  readonly dialect: MeshDialect;
  /** Base URL of Prometheus, without a slash at the end. */
  readonly url: string;
  /** By service, its production's host inside the mesh (`meshHost`). */
  readonly hosts: Readonly<Record<string, string>>;
  /** Label matchers of production's gateways among Prometheus' targets; their metrics bear the same labels. */
  readonly targets?: string;
  /** Greatest age in milliseconds of the scrape that stands for an end of a span, and longest pause between two. */
  readonly maxAgeMs?: number;
}

const TARGETS = 'job="envoy",environment="production"';
/** Scrapes are to be a second apart: this forgives two that came too late. */
const MAX_AGE_MS = 3500;
/** Proxies hand their latencies over every five seconds unless told otherwise. */
const SETTLE_MS = 8500;

type Counts = (
  armIds: readonly string[],
  ask: (selector: string) => Promise<readonly Series[]>,
  targets: Targets,
) => Promise<ReadonlyMap<string, ArmTraffic | undefined>>;

/**
 * The telemetry port on a cluster. Counts are differences of counters as they were scraped, each
 * gateway by itself. What is missing of one arm gives `undefined` for it; where nothing can be known
 * it throws an Error that says why: no answer from Prometheus, a gateway that is not scraped, metrics
 * of another kind. No data is never good data.
 */
export function createClusterTelemetry(options: ClusterTelemetryOptions): Telemetry {
  return options.dialect === 'istio'
    ? createIstioTelemetry(options)
    : createMeshEnvoyTelemetry(options);
}

type DialectOptions = Omit<ClusterTelemetryOptions, 'dialect'>;

/** Istio's dialect: one metric for all arms, told apart by the revision of the pods that answered. */
export function createIstioTelemetry(options: DialectOptions): Telemetry {
  const { targets = TARGETS } = options;
  return telemetry(options, (host) => async (armIds, ask, scraped) => {
    const [series, presence] = await Promise.all([
      ask(
        `{__name__=~"${ISTIO_METRICS.join('|')}",reporter="source",destination_service=${JSON.stringify(host)},${targets}}`,
      ),
      ask(`${ISTIO_PRESENCE}{${targets}}`),
    ]);
    return istioTraffic(armIds, series, presence, scraped);
  });
}

/**
 * Plain Envoy's dialect: a cluster for each arm, named as istiod names it (`outbound|PORT|ARM|HOST`),
 * or by its setting `outboundClusterStatName` `%SERVICE_NAME%_%SUBSET_NAME%`. The gateways' bootstrap
 * must make the whole name the label `cluster_name`, as Istio's does.
 */
export function createMeshEnvoyTelemetry(options: DialectOptions): Telemetry {
  const { targets = TARGETS } = options;
  return telemetry(options, (host) => async (armIds, ask, scraped) => {
    const known = armIds.map((id) => id.replace(/[^A-Za-z0-9_-]/g, '')).join('|');
    const name = host.replaceAll('.', String.raw`\\.`);
    const clusters = String.raw`outbound\\|[0-9]+\\|(${known})\\|${name}|${name}_(${known})`;
    const series = await ask(
      `{__name__=~"${ENVOY_METRICS.join('|')}",cluster_name=~"${clusters}",${targets}}`,
    );
    return new Map(
      armIds.map((armId) => {
        const own = series.filter(({ labels }) => isClusterOf(armId, host, labels.cluster_name));
        return [armId, envoyTraffic(armId, own, scraped)];
      }),
    );
  });
}

function isClusterOf(armId: string, host: string, cluster = ''): boolean {
  return cluster.endsWith(`|${armId}|${host}`) || cluster === `${host}_${armId}`;
}

function telemetry(
  { hosts, maxAgeMs = MAX_AGE_MS, targets = TARGETS, url }: DialectOptions,
  countsFor: (host: string) => Counts,
): Telemetry {
  return {
    settleMs: SETTLE_MS,
    async armTraffic(service, armIds, span: Span) {
      if (armIds.length === 0 || !(span.toMs > span.fromMs)) {
        return new Map(armIds.map((id) => [id, undefined]));
      }
      const host = hosts[service];
      if (host === undefined) {
        throw new Error(
          `service ${service} has no host in the mesh, so that its metrics are not known`,
        );
      }
      // One scrape more than the oldest that may stand for the beginning.
      const range = { fromMs: span.fromMs - maxAgeMs - 1000, toMs: span.toMs };
      const ask = (selector: string) => rawSamples(url, selector, range);
      const scraped = targetsOf(await ask(`up{${targets}}`), span, maxAgeMs);
      return countsFor(host)(armIds, ask, scraped);
    },
  };
}
