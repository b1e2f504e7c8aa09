/**
 * The mesh plan: what traffic shall do, said once and rendered twice (to Istio resources and to
 * Envoy's xDS). Pure data; the rules it must obey are in `rules.ts`.
 */

/** Request header that picks an arm. Honoured in staging only; production removes it before routing. */
export const ARM_HEADER = 'x-speed-gate-arm';
/** Request header that asks for the planted delay. Staging only, like {@link ARM_HEADER}. */
export const PLANTED_HEADER = 'x-speed-gate-planted';
/** Response header by which a node names itself; kept in staging, removed in production. */
export const NODE_HEADER = 'x-speed-gate-node';

export type Environment = 'staging' | 'production';

/** One node's httpd as the proxy sees it. A draining endpoint gets no new requests. */
export interface Endpoint {
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly draining: boolean;
  /** Share of its subset's requests against the other endpoints', a whole number from 1. Default 1. */
  readonly weight?: number;
}

export type LoadBalancer = 'ROUND_ROBIN' | 'LEAST_REQUEST';

/** Pools, load balancing and outlier detection towards one subset. Durations in milliseconds. */
export interface TrafficPolicy {
  readonly loadBalancer: LoadBalancer;
  readonly connectTimeoutMs: number;
  /** Idle time-out of upstream connections; must stay below Apache's KeepAliveTimeout (rule 1). */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  /** 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly outlier: {
    readonly consecutiveGatewayErrors: number;
    readonly intervalMs: number;
    readonly baseEjectionMs: number;
    /** 0–100. */
    readonly maxEjectionPercent: number;
  };
}

/** An arm in the mesh: its endpoints and how to treat them. */
export interface Subset {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  /** The mesh finds its endpoints by label: they come and go without the plan, and none now is no mistake of it. */
  readonly byLabel?: boolean;
  readonly policy: TrafficPolicy;
}

/** Retries never fire on an application's answer: connect failure, refused stream, reset before request. */
export interface RoutePolicy {
  /** Route time-out in milliseconds. */
  readonly timeoutMs: number;
  /** Retries after the first try; 0 on measurement routes. */
  readonly attempts: number;
  /** Per try, in milliseconds; only with attempts > 0, and then below timeoutMs. */
  readonly perTryTimeoutMs?: number;
}

/** Staging only: requests that carry `ARM_HEADER: headerValue` go to this subset. */
export interface ArmRoute extends RoutePolicy {
  readonly headerValue: string;
  readonly subset: string;
  /** Delay put in for requests that also carry {@link PLANTED_HEADER}. Staging only. */
  readonly plantedDelayMs?: number;
}

/** Requests without an arm header, by weight. Weights are whole numbers that sum to 100. */
export interface DefaultRoute extends RoutePolicy {
  readonly weights: readonly { readonly subset: string; readonly weight: number }[];
}

export interface MeshService {
  readonly name: string;
  /** Values of the Host header that belong to this service. */
  readonly hosts: readonly string[];
  /** Path of the active health check: the real path through httpd to Jetty. */
  readonly healthPath: string;
  readonly subsets: readonly Subset[];
  readonly armRoutes: readonly ArmRoute[];
  /** Absent while nothing may receive unmarked traffic (staging): such requests get a 404. */
  readonly defaultRoute?: DefaultRoute;
}

/** Everything one environment's proxies shall do. */
export interface MeshPlan {
  readonly environment: Environment;
  readonly services: readonly MeshService[];
}
