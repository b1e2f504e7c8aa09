/** The traffic that a plan asks for. */
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../plan.ts';
import type { MeshPlan, MeshService, RoutePolicy, Subset } from '../plan.ts';
import {
  HOST_SELECTION_ATTEMPTS,
  NOT_FOUND_BODY,
  PANIC_PERCENT,
  RETRY_BACK_OFF,
  RETRY_ON,
  UNLIMITED,
} from '../policy.ts';
import { requireValidPlan } from '../rules.ts';
import { probesOf } from './probes.ts';
import type { Forwarding, Probe, SubsetTreatment, Traffic, Treatment } from './traffic.ts';

/** @throws InvalidPlanError when the plan breaks a rule */
export function trafficOfPlan(plan: MeshPlan): Traffic {
  requireValidPlan(plan);
  return {
    requests: Object.fromEntries(
      probesOf(plan).map((probe) => [probe.name, treatmentOf(plan, probe)]),
    ),
    subsets: Object.fromEntries(
      plan.services.flatMap((service) =>
        service.subsets.map((one) => [`${service.name}/${one.name}`, subsetTreatment(one)]),
      ),
    ),
  };
}

function treatmentOf(plan: MeshPlan, probe: Probe): Treatment {
  const host = probe.host.replace(/:\d+$/, '').toLowerCase();
  const service = plan.services.find(({ hosts }) => hosts.some((one) => same(one, host)));
  if (service === undefined) return { status: 404 };
  const arm = plan.environment === 'staging' ? probe.headers[ARM_HEADER] : undefined;
  if (arm === undefined) return defaultTreatment(plan, service);
  const route = service.armRoutes.find(({ headerValue }) => headerValue === arm);
  if (route === undefined) return { status: 404, body: NOT_FOUND_BODY.arm };
  const delayed = probe.headers[PLANTED_HEADER] !== undefined && route.plantedDelayMs !== undefined;
  return {
    ...forwarding(plan, service, route, [{ subset: route.subset, weight: 100 }]),
    ...(delayed && { delayMs: route.plantedDelayMs }),
  };
}

function defaultTreatment(plan: MeshPlan, service: MeshService): Treatment {
  const route = service.defaultRoute;
  if (route === undefined) return { status: 404, body: NOT_FOUND_BODY.arm };
  return forwarding(plan, service, route, route.weights);
}

function forwarding(
  plan: MeshPlan,
  service: MeshService,
  { timeoutMs, attempts, perTryTimeoutMs }: RoutePolicy,
  weights: readonly { readonly subset: string; readonly weight: number }[],
): Forwarding {
  const fed = weights.filter(({ weight }) => weight > 0);
  return {
    shares: Object.fromEntries(
      fed.map(({ subset, weight }) => [`${service.name}/${subset}`, weight]),
    ),
    timeoutMs,
    ...(attempts > 0 && {
      retries: {
        on: RETRY_ON.toSorted(),
        attempts,
        ...(perTryTimeoutMs !== undefined && { perTryTimeoutMs }),
        backOffMs: RETRY_BACK_OFF.baseMs,
        backOffMaxMs: RETRY_BACK_OFF.maxMs,
        otherNodeAttempts: HOST_SELECTION_ATTEMPTS,
      },
    }),
    removedFromRequest: [ARM_HEADER, PLANTED_HEADER].toSorted(),
    removedFromResponse: plan.environment === 'production' ? [NODE_HEADER] : [],
  };
}

function subsetTreatment({ policy, endpoints }: Subset): SubsetTreatment {
  const { outlier } = policy;
  return {
    loadBalancer: policy.loadBalancer,
    connectTimeoutMs: policy.connectTimeoutMs,
    idleTimeoutMs: policy.idleTimeoutMs,
    maxConnections: policy.maxConnections,
    maxPendingRequests: policy.maxPendingRequests,
    maxRequests: UNLIMITED,
    maxRetries: UNLIMITED,
    maxRequestsPerConnection: policy.maxRequestsPerConnection,
    ...(outlier.maxEjectionPercent > 0 && { outlier }),
    panicPercent: PANIC_PERCENT,
    placeMatters: false,
    endpoints: endpoints
      .filter(({ draining }) => !draining)
      .map(({ address, port, weight }) => ({ address: `${address}:${port}`, weight: weight ?? 1 }))
      .toSorted(byAddress),
  };
}

/** Order of endpoints in {@link SubsetTreatment}. */
export function byAddress(one: { address: string }, other: { address: string }): number {
  return one.address < other.address ? -1 : one.address > other.address ? 1 : 0;
}

function same(one: string, lowerCase: string): boolean {
  return one.toLowerCase() === lowerCase;
}
