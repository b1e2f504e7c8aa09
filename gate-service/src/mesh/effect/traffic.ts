/**
 * What traffic does under a mesh plan, free of how it was said: the treatment of each kind of
 * request and of each subset. It is read from an Envoy's config_dump, whoever wrote that
 * configuration, and made from the plan itself, so that both can be compared in every field that
 * the plan speaks of. Active health checks are left out: on Kubernetes readiness takes their place.
 */

export interface Retries {
  /** Conditions, sorted. */
  readonly on: readonly string[];
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
  /** Whether a node already tried is passed over, and how often another one is looked for. */
  readonly otherNodeAttempts: number;
}

/** A request that is answered by the proxy itself. The body only where a service's own route says it. */
export interface DirectAnswer {
  readonly status: number;
  readonly body?: string;
}

/** A request that is sent on. */
export interface Forwarding {
  /** Share in per cent by `SERVICE/SUBSET`; subsets without traffic are left out. */
  readonly shares: Readonly<Record<string, number>>;
  readonly timeoutMs: number;
  readonly retries?: Retries;
  /** Delay by the fault filter, for all such requests. */
  readonly delayMs?: number;
  /** Of the gate's headers, those that the application does not get to see; sorted. */
  readonly removedFromRequest: readonly string[];
  /** Of the gate's headers, those that the client does not get to see. */
  readonly removedFromResponse: readonly string[];
}

export type Treatment = DirectAnswer | Forwarding;

export interface OutlierTreatment {
  readonly consecutiveGatewayErrors: number;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionPercent: number;
}

export interface EndpointTreatment {
  readonly address: string;
  readonly weight: number;
}

export interface SubsetTreatment {
  readonly loadBalancer: string;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /** Absent when nobody is ever taken out. */
  readonly outlier?: OutlierTreatment;
  readonly panicPercent: number;
  /** Where a node lies makes no difference to its share. */
  readonly placeMatters: boolean;
  /** Endpoints that take new requests as `ADDRESS:PORT`, sorted. */
  readonly endpoints: readonly EndpointTreatment[];
}

/** What one proxy does. */
export interface Traffic {
  /** By {@link Probe.name}. */
  readonly requests: Readonly<Record<string, Treatment>>;
  /** By `SERVICE/SUBSET`. */
  readonly subsets: Readonly<Record<string, SubsetTreatment>>;
}

/** A kind of request: what a route may look at. */
export interface Probe {
  readonly name: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Thrown where a proxy's configuration has something that cannot be judged: it is not assumed to be harmless. */
export class UnreadableTrafficError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableTrafficError';
  }
}
