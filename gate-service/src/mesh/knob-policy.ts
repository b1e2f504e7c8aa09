/** What the mesh's knobs say, in the words of the plan. The plan knows no knobs, so they come in by name. */
import type { LoadBalancer, RoutePolicy, TrafficPolicy } from './plan.ts';

/** The knobs of a stack configuration that the mesh takes. */
export interface MeshKnobValues {
  readonly 'mesh.idleTimeout': number;
  readonly 'mesh.connectTimeout': number;
  readonly 'mesh.maxConnections': number;
  readonly 'mesh.maxPendingRequests': number;
  readonly 'mesh.maxRequestsPerConnection': number;
  readonly 'mesh.loadBalancer': LoadBalancer;
  readonly 'mesh.retries': number;
  readonly 'mesh.perTryTimeout': number;
  readonly 'mesh.timeout': number;
  readonly 'mesh.outlierMaxEjectionPercent': number;
  readonly 'mesh.outlierConsecutiveErrors': number;
  readonly 'mesh.outlierInterval': number;
  readonly 'mesh.outlierBaseEjection': number;
}

/** How an arm with these knobs is treated. */
export function trafficPolicyOf(values: MeshKnobValues): TrafficPolicy {
  return {
    loadBalancer: values['mesh.loadBalancer'],
    connectTimeoutMs: values['mesh.connectTimeout'],
    idleTimeoutMs: values['mesh.idleTimeout'],
    maxConnections: values['mesh.maxConnections'],
    maxPendingRequests: values['mesh.maxPendingRequests'],
    maxRequestsPerConnection: values['mesh.maxRequestsPerConnection'],
    outlier: {
      consecutiveGatewayErrors: values['mesh.outlierConsecutiveErrors'],
      intervalMs: values['mesh.outlierInterval'],
      baseEjectionMs: values['mesh.outlierBaseEjection'],
      maxEjectionPercent: values['mesh.outlierMaxEjectionPercent'],
    },
  };
}

/** Deadlines and retries of production's default route with these knobs. */
export function routePolicyOf(values: MeshKnobValues): RoutePolicy {
  const attempts = values['mesh.retries'];
  const timeoutMs = values['mesh.timeout'];
  return attempts === 0
    ? { timeoutMs, attempts }
    : { timeoutMs, attempts, perTryTimeoutMs: values['mesh.perTryTimeout'] };
}

/** The same deadline for a measurement route, which never tries again: a retry would hide a failure. */
export function measurementPolicyOf(values: MeshKnobValues): RoutePolicy {
  return { timeoutMs: values['mesh.timeout'], attempts: 0 };
}
