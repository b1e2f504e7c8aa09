/** The table of plans in which both renderings are compared: each says one thing that the fixtures do not. */
import {
  endpoint,
  productionPlan,
  stagingPlan,
  subset,
} from '../../../gate-service/src/mesh/plan-fixture.ts';
import type { MeshPlan, MeshService, Subset } from '../../../gate-service/src/mesh/plan.ts';

function withService(plan: MeshPlan, edit: (service: MeshService) => MeshService): MeshPlan {
  return { ...plan, services: plan.services.map(edit) };
}

function withPolicies(plan: MeshPlan, edit: Partial<Subset['policy']>): MeshPlan {
  return withService(plan, (service) => ({
    ...service,
    subsets: service.subsets.map((one) => ({ ...one, policy: { ...one.policy, ...edit } })),
  }));
}

type Ports = readonly [number, number, number];
const { policy } = subset('any');

/** By what is particular about them. All endpoints listen on one of the ports. */
export function plansOf(ports: Ports): Readonly<Record<string, MeshPlan>> {
  const production = productionPlan(ports);
  const staging = stagingPlan(ports);
  const [first, second, third] = ports;
  const [one] = production.services;
  return {
    'two arms by header, a planted delay': staging,
    'weights and retries': production,
    'all weight on one arm': withService(production, (service) => ({
      ...service,
      defaultRoute: {
        timeoutMs: 1500,
        attempts: 2,
        weights: [
          { subset: 'baseline-1', weight: 0 },
          { subset: 'candidate-2', weight: 100 },
        ],
      },
    })),
    'an arm by header beside weights in staging': withService(staging, (service) => ({
      ...service,
      defaultRoute: {
        timeoutMs: 999,
        attempts: 0,
        weights: [{ subset: 'baseline-1', weight: 100 }],
      },
    })),
    'endpoint weights and one that drains': withService(production, (service) => ({
      ...service,
      subsets: [
        subset(
          'baseline-1',
          { ...endpoint('weights-a', first), weight: 100 },
          { ...endpoint('weights-b', second), weight: 25 },
          endpoint('weights-c', third, true),
        ),
        ...service.subsets.slice(1),
      ],
    })),
    'nobody may be taken out': withService(
      withPolicies(production, { outlier: { ...policy.outlier, maxEjectionPercent: 0 } }),
      (service) => ({
        ...service,
        subsets: service.subsets.map((arm) => ({ ...arm, endpoints: arm.endpoints.slice(0, 1) })),
      }),
    ),
    'round robin, few and short-lived connections': withPolicies(production, {
      loadBalancer: 'ROUND_ROBIN',
      maxConnections: 1,
      maxPendingRequests: 1,
      maxRequestsPerConnection: 1,
      connectTimeoutMs: 1,
      idleTimeoutMs: 1,
    }),
    'two services': {
      environment: 'production',
      services:
        one === undefined
          ? []
          : [
              one,
              {
                ...one,
                name: 'cart',
                hosts: ['cart.example'],
                subsets: one.subsets.map((arm, index) => ({
                  ...arm,
                  endpoints: [endpoint(`cart-${index}`, index === 0 ? first : second)],
                })),
              },
            ],
    },
    'traffic for nobody': withService(staging, (service) => ({ ...service, armRoutes: [] })),
  };
}
