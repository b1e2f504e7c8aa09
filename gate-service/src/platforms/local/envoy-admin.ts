/** Envoy's admin API: what the proxy really has in force. */
import { z } from 'zod';
import { clusterHostsOf } from '../envoy-clusters.ts';

export interface ProxyHost {
  readonly address: string;
  readonly port: number;
  /** All health flags are clear and the endpoint is not draining. */
  readonly healthy: boolean;
  readonly draining: boolean;
  /** Since this Envoy knows the host. */
  readonly requestsTotal: number;
  readonly requestsActive: number;
}

/** A route to clusters by weight, as Envoy dumps it. */
export interface ProxyRoutes {
  readonly version: string;
  /** Per service (virtual host): weight in per cent by cluster of the route without an arm header. */
  readonly weights: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const routesSchema = z.looseObject({
  configs: z
    .array(
      z.looseObject({
        version_info: z.string().optional(),
        route_config: z
          .looseObject({
            virtual_hosts: z
              .array(
                z.looseObject({
                  name: z.string(),
                  routes: z
                    .array(
                      z.looseObject({
                        match: z.looseObject({ headers: z.array(z.unknown()).optional() }),
                        route: z
                          .looseObject({
                            weighted_clusters: z
                              .looseObject({
                                clusters: z.array(
                                  z.looseObject({
                                    name: z.string(),
                                    weight: z.number().optional(),
                                  }),
                                ),
                              })
                              .optional(),
                          })
                          .optional(),
                      }),
                    )
                    .optional(),
                }),
              )
              .optional(),
          })
          .optional(),
      }),
    )
    .optional(),
});
const namesSchema = z.looseObject({ configs: z.array(z.unknown()).optional() });

const TIMEOUT_MS = 3000;

export class EnvoyAdmin {
  readonly #base: string;

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`;
  }

  /** Whether Envoy is live and has its first configuration. Never throws. */
  async isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.#base}/ready`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false;
    }
  }

  /** Hosts by cluster. @throws when Envoy does not answer */
  async hosts(): Promise<ReadonlyMap<string, readonly ProxyHost[]>> {
    const hosts = clusterHostsOf(await this.#json('/clusters?format=json'));
    return Map.groupBy(
      hosts.map(({ address, announced, cluster, flagged, port, stat }) => ({
        cluster,
        address,
        port,
        healthy: announced === 'HEALTHY' && !flagged,
        draining: announced === 'DRAINING',
        requestsTotal: stat('rq_total'),
        requestsActive: stat('rq_active'),
      })),
      ({ cluster }) => cluster,
    );
  }

  /** The routes in force, or `undefined` while there are none. @throws when Envoy does not answer */
  async routes(): Promise<ProxyRoutes | undefined> {
    const dump = await this.#configDump('dynamic_route_configs');
    const config = routesSchema.parse(dump).configs?.[0];
    if (config === undefined) return undefined;
    const weights = new Map<string, ReadonlyMap<string, number>>();
    for (const host of config.route_config?.virtual_hosts ?? []) {
      const unmarked = host.routes?.find((route) => route.match.headers === undefined);
      const clusters = unmarked?.route?.weighted_clusters?.clusters ?? [];
      weights.set(host.name, new Map(clusters.map(({ name, weight }) => [name, weight ?? 0])));
    }
    return { version: config.version_info ?? '', weights };
  }

  /** Number of clusters that are not used yet because their endpoints are not known or checked. */
  async warmingClusters(): Promise<number> {
    return (
      namesSchema.parse(await this.#configDump('dynamic_warming_clusters')).configs?.length ?? 0
    );
  }

  /** Versions and refusals of all xDS subscriptions by stat name. @throws when Envoy does not answer */
  async subscriptions(): Promise<{
    readonly versions: ReadonlyMap<string, string>;
    readonly refusals: ReadonlyMap<string, number>;
  }> {
    const filter = encodeURIComponent(String.raw`\.(version_text|update_rejected|update_failure)$`);
    const text = await this.#text(`/stats?filter=${filter}`);
    const versions = new Map<string, string>();
    const refusals = new Map<string, number>();
    for (const line of text.split('\n')) {
      const colon = line.indexOf(': ');
      if (colon < 0) continue;
      const name = line.slice(0, colon);
      const value = line.slice(colon + 2);
      if (name.endsWith('.version_text')) {
        versions.set(name.slice(0, -'.version_text'.length), value.replace(/^"|"$/g, ''));
      } else {
        refusals.set(name, Number(value));
      }
    }
    return { versions, refusals };
  }

  async #configDump(resource: string): Promise<unknown> {
    const response = await this.#get(`/config_dump?resource=${resource}`);
    // 404: there is no such resource (yet).
    if (response.status === 404) {
      await response.arrayBuffer();
      return {};
    }
    return response.json();
  }

  async #json(path: string): Promise<unknown> {
    return (await this.#get(path)).json();
  }

  async #text(path: string): Promise<string> {
    return (await this.#get(path)).text();
  }

  #get(path: string): Promise<Response> {
    return fetch(`${this.#base}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  }
}
