/** Hosts of an Envoy's clusters as it tells them: `GET /clusters?format=json`. Pure. */
import { z } from 'zod';

export interface ClusterHost {
  readonly cluster: string;
  readonly address: string;
  readonly port: number;
  /** As its endpoint was announced: `HEALTHY`, `DRAINING`, …; absent when nothing was said. */
  readonly announced: string | undefined;
  /** Ejected, failed its check or the like. */
  readonly flagged: boolean;
  /** A counter or gauge of the host, e.g. `rq_total`; 0 when it is absent. */
  readonly stat: (name: string) => number;
}

const clustersSchema = z.looseObject({
  cluster_statuses: z
    .array(
      z.looseObject({
        name: z.string(),
        host_statuses: z
          .array(
            z.looseObject({
              address: z.looseObject({
                socket_address: z
                  .looseObject({ address: z.string(), port_value: z.int() })
                  .optional(),
              }),
              stats: z
                .array(
                  z.looseObject({
                    name: z.string().optional(),
                    value: z.union([z.string(), z.number()]).optional(),
                  }),
                )
                .default([]),
              health_status: z
                .looseObject({ eds_health_status: z.string().optional() })
                .default({}),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});

/** Hosts that have an address and a port; a pipe is none. @throws ZodError when it is not what Envoy answers */
export function clusterHostsOf(json: unknown): readonly ClusterHost[] {
  return clustersSchema.parse(json).cluster_statuses.flatMap(({ host_statuses, name }) =>
    host_statuses.flatMap(({ address: { socket_address: at }, health_status, stats }) => {
      if (at === undefined) return [];
      const { eds_health_status: announced, ...flags } = health_status;
      return [
        {
          cluster: name,
          address: at.address,
          port: at.port_value,
          announced,
          flagged: Object.values(flags).includes(true),
          stat: (wanted) => Number(stats.find((one) => one.name === wanted)?.value ?? 0),
        },
      ];
    }),
  );
}
