/** Routes of the plan as a VirtualService. */
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../plan.ts';
import type { ArmRoute, Environment, MeshService, RoutePolicy } from '../plan.ts';
import { NOT_FOUND_BODY, RETRY_BACK_OFF, RETRY_ON } from '../policy.ts';
import { duration, MESH_PORT, meshHost, ROUTE_PREFIX, serviceResource } from './resources.ts';
import type { IstioResource } from './resources.ts';

type Route = Readonly<Record<string, unknown>>;
/** One entry of a VirtualService's `spec.http`. */
export type HttpRoute = Route & { readonly name: string };

/** All routes of a service, first match first. */
export function virtualService(
  service: MeshService,
  environment: Environment,
  namespace: string,
  gateways: readonly string[],
): IstioResource {
  return serviceResource('VirtualService', service.name, namespace, {
    hosts: service.hosts,
    gateways,
    http: ownRoutes(service, environment, namespace),
  });
}

/**
 * The gate's routes of a service. Production has none by arm, not even for an arm that is not
 * known: it routes as if a client's arm header were not there, and keeps it from the application.
 */
export function ownRoutes(
  service: MeshService,
  environment: Environment,
  namespace: string,
): readonly HttpRoute[] {
  const build = new RouteBuilder(service, environment, namespace);
  const unknownArm = build.notFound('unknown-arm', [{ headers: { [ARM_HEADER]: {} } }]);
  return [
    ...service.armRoutes.flatMap((route) => build.armRoutes(route)),
    ...(environment === 'staging' ? [unknownArm] : []),
    service.defaultRoute
      ? build.route('default', service.defaultRoute, service.defaultRoute.weights)
      : build.notFound('no-default'),
  ];
}

class RouteBuilder {
  readonly #service: MeshService;
  readonly #namespace: string;
  readonly #headers: Route;

  constructor(service: MeshService, environment: Environment, namespace: string) {
    this.#service = service;
    this.#namespace = namespace;
    this.#headers = {
      request: { remove: [ARM_HEADER, PLANTED_HEADER] },
      ...(environment === 'production' && { response: { remove: [NODE_HEADER] } }),
    };
  }

  /** A fault belongs to a whole route in Istio, so that the planted delay takes one of its own. */
  armRoutes(route: ArmRoute): HttpRoute[] {
    const arm = { [ARM_HEADER]: { exact: route.headerValue } };
    const weights = [{ subset: route.subset, weight: 100 }];
    const name = `arm-${route.headerValue}`;
    const plain = { ...this.route(name, route, weights), match: [{ headers: arm }] };
    if (route.plantedDelayMs === undefined) return [plain];
    const fault = {
      delay: { fixedDelay: duration(route.plantedDelayMs), percentage: { value: 100 } },
    };
    // An empty match is Istio's way to say "present".
    const match = [{ headers: { ...arm, [PLANTED_HEADER]: {} } }];
    return [{ ...this.route(`${name}-planted`, route, weights), match, fault }, plain];
  }

  route(
    name: string,
    policy: RoutePolicy,
    weights: readonly { readonly subset: string; readonly weight: number }[],
  ): HttpRoute {
    return {
      name: `${ROUTE_PREFIX}${name}`,
      timeout: duration(policy.timeoutMs),
      retries: retries(policy),
      headers: this.#headers,
      route: weights.map(({ subset, weight }) => ({
        destination: {
          host: meshHost(this.#service.name, this.#namespace),
          port: { number: MESH_PORT.number },
          subset,
        },
        weight,
      })),
    };
  }

  notFound(name: string, match?: readonly Route[]): HttpRoute {
    return {
      name: `${ROUTE_PREFIX}${name}`,
      ...(match && { match }),
      directResponse: { status: 404, body: { string: NOT_FOUND_BODY.arm } },
    };
  }
}

/** Absent retries would mean Istio's default ones; `attempts: 0` allows no other field beside it. */
function retries({ attempts, perTryTimeoutMs }: RoutePolicy): Route {
  if (attempts === 0) return { attempts: 0 };
  return {
    attempts,
    ...(perTryTimeoutMs !== undefined && { perTryTimeout: duration(perTryTimeoutMs) }),
    retryOn: RETRY_ON.join(','),
    backoff: duration(RETRY_BACK_OFF.baseMs),
  };
}
