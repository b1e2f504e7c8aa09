/** Mesh plans for the comparison of renderings: random ones that obey every rule. */
import fc from 'fast-check';
import type {
  ArmRoute,
  DefaultRoute,
  Endpoint,
  Environment,
  MeshPlan,
  MeshService,
  RoutePolicy,
  Subset,
  TrafficPolicy,
} from '../../../gate-service/src/mesh/plan.ts';
import { checkPlan } from '../../../gate-service/src/mesh/rules.ts';

const milliseconds = (maximum: number) => fc.integer({ min: 1, max: maximum });
const count = (maximum: number) => fc.integer({ min: 1, max: maximum });

/** A share of nodes that may be out, legal for this many. */
function ejection(nodes: number): fc.Arbitrary<number> {
  if (nodes < 2) return fc.integer({ min: 0, max: 99 });
  return fc.integer({ min: Math.ceil(100 / nodes), max: 99 });
}

const policy = (nodes: number): fc.Arbitrary<TrafficPolicy> =>
  fc.record({
    loadBalancer: fc.constantFrom('ROUND_ROBIN', 'LEAST_REQUEST'),
    connectTimeoutMs: milliseconds(20_000),
    idleTimeoutMs: milliseconds(3_600_000),
    maxConnections: count(100_000),
    maxPendingRequests: count(100_000),
    maxRequestsPerConnection: fc.oneof(fc.constant(0), count(100_000)),
    outlier: fc.record({
      consecutiveGatewayErrors: count(100),
      intervalMs: milliseconds(60_000),
      baseEjectionMs: milliseconds(600_000),
      maxEjectionPercent: ejection(nodes),
    }),
  });

/** Ports of endpoints, unless told. */
const PORTS = [18_001, 18_002, 18_003];

/** Endpoints of a subset have addresses of their own on this machine; the first is never draining. */
const endpoints = (
  service: number,
  arm: number,
  ports: readonly number[],
): fc.Arbitrary<Endpoint[]> =>
  fc
    .array(
      fc.record({
        port: fc.constantFrom(...ports),
        draining: fc.boolean(),
        weight: fc.option(fc.integer({ min: 1, max: 128 }), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((nodes) =>
      nodes.map(({ port, draining, weight }, index) => ({
        node: `s${service}-a${arm}-n${index}`,
        address: `127.${service * 8 + arm + 100}.0.${index + 1}`,
        port,
        draining: draining && index > 0,
        ...(weight !== undefined && { weight }),
      })),
    );

const subset = (service: number, arm: number, ports: readonly number[]): fc.Arbitrary<Subset> =>
  endpoints(service, arm, ports).chain((nodes) =>
    policy(nodes.length).map((one) => ({ name: `arm-${arm}`, endpoints: nodes, policy: one })),
  );

const routePolicy: fc.Arbitrary<RoutePolicy> = fc
  .record({
    perTry: milliseconds(30_000),
    more: milliseconds(30_000),
    attempts: fc.integer({ min: 0, max: 2 }),
    bounded: fc.boolean(),
  })
  .map(({ perTry, more, attempts, bounded }) => ({
    timeoutMs: perTry + more,
    attempts,
    ...(attempts > 0 && bounded && { perTryTimeoutMs: perTry }),
  }));

/** Weights of some of the subsets that sum to 100, zeros among them. */
function weights(names: readonly string[]): fc.Arbitrary<DefaultRoute['weights']> {
  const cuts = fc.array(fc.integer({ min: 0, max: 100 }), {
    minLength: names.length - 1,
    maxLength: names.length - 1,
  });
  return cuts.map((list) => {
    const bounds = [0, ...list.toSorted((one, other) => one - other), 100];
    return names.map((name, index) => ({
      subset: name,
      weight: (bounds[index + 1] ?? 100) - (bounds[index] ?? 0),
    }));
  });
}

const armRoute = (name: string): fc.Arbitrary<ArmRoute> =>
  fc
    .record({
      route: routePolicy,
      planted: fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined }),
    })
    .map(({ route, planted }) => ({
      headerValue: `value-of-${name}`,
      subset: name,
      ...route,
      ...(planted !== undefined && { plantedDelayMs: planted }),
    }));

function service(
  index: number,
  environment: Environment,
  ports: readonly number[],
): fc.Arbitrary<MeshService> {
  const arms = fc
    .integer({ min: 1, max: 3 })
    .chain((many) =>
      fc.tuple(...Array.from({ length: many }, (_, arm) => subset(index, arm, ports))),
    );
  return arms.chain((subsets) => {
    const names = subsets.map(({ name }) => name);
    const byHeader = environment === 'staging' ? names.map(armRoute) : [];
    const route = fc
      .tuple(routePolicy, weights(names))
      .map(([one, list]) => ({ ...one, weights: list }));
    return fc
      .record({
        armRoutes: fc.tuple(...byHeader),
        defaultRoute: fc.option(route, { nil: undefined }),
        hosts: fc.integer({ min: 1, max: 2 }),
      })
      .map(({ armRoutes, defaultRoute, hosts }) => ({
        name: `service-${index}`,
        hosts: [`Service-${index}.example`, `service-${index}.test`].slice(0, hosts),
        healthPath: '/health',
        subsets,
        armRoutes,
        ...(defaultRoute && { defaultRoute }),
      }));
  });
}

/** Valid plans of either environment with one or two services, whose endpoints listen on one of these ports. */
export function randomPlan(ports: readonly number[] = PORTS): fc.Arbitrary<MeshPlan> {
  return fc
    .constantFrom<Environment>('staging', 'production')
    .chain((environment) =>
      fc
        .integer({ min: 1, max: 2 })
        .chain((many) =>
          fc.tuple(
            ...Array.from({ length: many }, (_, index) => service(index, environment, ports)),
          ),
        )
        .map((services): MeshPlan => ({ environment, services })),
    )
    .filter((plan) => checkPlan(plan).length === 0);
}
