/** Hosts of an Envoy's clusters with their health and counts: `GET /clusters?format=json`. Pure. */
import { clusterHostsOf } from '../../envoy-clusters.ts';

/** A host of one cluster in one proxy. */
export interface ProxyHost {
  readonly cluster: string;
  /** `ADDRESS:PORT`. */
  readonly address: string;
  /** All health flags are clear: not ejected, not draining. */
  readonly healthy: boolean;
  /** Requests sent to it since this proxy knows it. */
  readonly requestsTotal: number;
}

/** Of istiod's endpoints; it says nothing of most of them. */
const ROUTABLE: ReadonlySet<string | undefined> = new Set([undefined, 'HEALTHY', 'UNKNOWN']);

/** @throws ZodError when it is not what Envoy answers */
export function hostsOf(json: unknown): readonly ProxyHost[] {
  return clusterHostsOf(json).map((host) => ({
    cluster: host.cluster,
    address: `${host.address}:${host.port}`,
    healthy: ROUTABLE.has(host.announced) && !host.flagged,
    requestsTotal: host.stat('rq_total'),
  }));
}
