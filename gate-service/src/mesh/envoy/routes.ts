/** Routes of the plan as one Envoy route configuration. */
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../plan.ts';
import type { ArmRoute, DefaultRoute, MeshPlan, MeshService, RoutePolicy } from '../plan.ts';
import { HOST_SELECTION_ATTEMPTS, NOT_FOUND_BODY, RETRY_BACK_OFF, RETRY_ON } from '../policy.ts';
import { clusterName, duration, ROUTE_CONFIGURATION, typeUrl } from './names.ts';
import type { Message } from './names.ts';

/** Request headers of the gate; the application never sees them. */
export const GATE_HEADERS = [ARM_HEADER, PLANTED_HEADER] as const;

/** All routes of an environment. Who asks for a host that is not there, gets a 404 that says so. */
export function routeConfiguration(plan: MeshPlan): Message {
  return {
    '@type': typeUrl('config.route.v3.RouteConfiguration'),
    name: ROUTE_CONFIGURATION,
    // Without it a route to a missing cluster is accepted and answers 503.
    validate_clusters: true,
    ignore_port_in_host_matching: true,
    request_headers_to_remove: GATE_HEADERS,
    ...(plan.environment === 'production' && { response_headers_to_remove: [NODE_HEADER] }),
    virtual_hosts: [
      ...plan.services.map(virtualHost),
      { name: 'unknown-host', domains: ['*'], routes: [notFound(NOT_FOUND_BODY.host)] },
    ],
  };
}

function virtualHost(service: MeshService): Message {
  return {
    name: service.name,
    domains: service.hosts,
    routes: [
      ...service.armRoutes.map((route) => armRoute(service, route)),
      // An arm that is not routed must not fall through to whatever unmarked traffic gets.
      notFound(NOT_FOUND_BODY.arm, [{ name: ARM_HEADER, present_match: true }]),
      service.defaultRoute
        ? defaultRoute(service, service.defaultRoute)
        : notFound(NOT_FOUND_BODY.arm),
    ],
  };
}

function armRoute(service: MeshService, route: ArmRoute): Message {
  return {
    match: {
      prefix: '/',
      headers: [{ name: ARM_HEADER, string_match: { exact: route.headerValue } }],
    },
    route: { cluster: clusterName(service.name, route.subset), ...action(route) },
    ...(route.plantedDelayMs !== undefined && {
      typed_per_filter_config: { 'envoy.filters.http.fault': plantedDelay(route.plantedDelayMs) },
    }),
  };
}

function defaultRoute(service: MeshService, route: DefaultRoute): Message {
  return {
    match: { prefix: '/' },
    route: {
      weighted_clusters: {
        clusters: route.weights.map(({ subset, weight }) => ({
          name: clusterName(service.name, subset),
          weight,
        })),
      },
      ...action(route),
    },
  };
}

/** Time-outs and retries. Without attempts there is no retry policy at all. */
function action({ timeoutMs, attempts, perTryTimeoutMs }: RoutePolicy): Message {
  return {
    timeout: duration(timeoutMs),
    ...(attempts > 0 && {
      retry_policy: {
        retry_on: RETRY_ON.join(','),
        num_retries: attempts,
        ...(perTryTimeoutMs !== undefined && { per_try_timeout: duration(perTryTimeoutMs) }),
        retry_host_predicate: [
          {
            name: 'envoy.retry_host_predicates.previous_hosts',
            typed_config: {
              '@type': typeUrl('extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
            },
          },
        ],
        host_selection_retry_max_attempts: HOST_SELECTION_ATTEMPTS,
        retry_back_off: {
          base_interval: duration(RETRY_BACK_OFF.baseMs),
          max_interval: duration(RETRY_BACK_OFF.maxMs),
        },
      },
    }),
  };
}

function plantedDelay(delayMs: number): Message {
  return {
    '@type': typeUrl('extensions.filters.http.fault.v3.HTTPFault'),
    delay: { fixed_delay: duration(delayMs), percentage: { numerator: 100 } },
    headers: [{ name: PLANTED_HEADER, present_match: true }],
  };
}

function notFound(body: string, headers?: readonly Message[]): Message {
  return {
    match: { prefix: '/', ...(headers && { headers }) },
    direct_response: { status: 404, body: { inline_string: body } },
  };
}
