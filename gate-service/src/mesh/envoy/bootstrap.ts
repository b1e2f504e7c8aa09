/** Envoy's bootstrap: who it is, where its resources come from, and how its metrics are named. */
import type { ListenAddress } from './listener.ts';
import { CDS_FILE, LDS_FILE } from './names.ts';
import type { Message } from './names.ts';

export interface EnvoyPlacement {
  /** Watched folder of the xDS files; they arrive there by rename. */
  readonly directory: string;
  readonly listen: ListenAddress;
  readonly admin: ListenAddress;
  readonly nodeId: string;
}

/** Labels by which Prometheus tells the plan's clusters apart. */
export const CLUSTER_LABELS = { service: 'service', subset: 'subset' } as const;

/**
 * Upper bounds in milliseconds of `upstream_rq_time`, each about 12 % above the one before where
 * thresholds usually lie: a tail between two bounds is interpolation, and should be little of it.
 */
export const LATENCY_BUCKETS_MS: readonly number[] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71,
  80, 90, 100, 112, 125, 140, 160, 180, 200, 225, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710,
  800, 900, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10_000, 15_000, 30_000,
  60_000,
];

/** A bootstrap that takes listeners and clusters from files in the placement's folder. */
export function renderBootstrap(placement: EnvoyPlacement): Message {
  return {
    ...common(placement),
    dynamic_resources: {
      lds_config: configSource(placement.directory, LDS_FILE),
      cds_config: configSource(placement.directory, CDS_FILE),
    },
  };
}

/** A bootstrap with everything in it, for `envoy --mode validate`, which reads no xDS files. */
export function staticBootstrap(
  placement: EnvoyPlacement,
  resources: { readonly listeners: readonly Message[]; readonly clusters: readonly Message[] },
): Message {
  return { ...common(placement), static_resources: resources };
}

/** Where a subscription finds its file; a rename of any file in the folder makes Envoy read again. */
export function configSource(directory: string, file: string): Message {
  return {
    resource_api_version: 'V3',
    path_config_source: {
      path: `${directory}/${file}`,
      watched_directory: { path: directory },
    },
  };
}

function common({ admin, nodeId }: EnvoyPlacement): Message {
  return {
    node: { id: nodeId, cluster: 'speed-gate' },
    admin: {
      address: { socket_address: { address: admin.address, port_value: admin.port } },
    },
    stats_flush_interval: '1s',
    stats_config: {
      // Envoy's own `cluster_name` ends at the first dot; the second half is cut out here as well.
      use_all_default_tags: true,
      stats_tags: [
        {
          tag_name: CLUSTER_LABELS.service,
          regex: String.raw`^cluster\.(([a-z0-9-]+)\.)[a-z0-9-]+\.`,
        },
        {
          tag_name: CLUSTER_LABELS.subset,
          regex: String.raw`^cluster\.[a-z0-9-]+\.(([a-z0-9-]+)\.)`,
        },
      ],
      histogram_bucket_settings: [
        { match: { suffix: 'upstream_rq_time' }, buckets: LATENCY_BUCKETS_MS },
      ],
    },
  };
}
