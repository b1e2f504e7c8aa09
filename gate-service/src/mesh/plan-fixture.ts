/** Plans for tests: one service with two arms, in either environment. */
import { measurementPolicyOf, routePolicyOf, trafficPolicyOf } from './knob-policy.ts';
import type { MeshKnobValues } from './knob-policy.ts';
import type { Endpoint, MeshPlan, MeshService, Subset } from './plan.ts';

const KNOBS: MeshKnobValues = {
  'mesh.idleTimeout': 3000,
  'mesh.connectTimeout': 500,
  'mesh.maxConnections': 1000,
  'mesh.maxPendingRequests': 200,
  'mesh.maxRequestsPerConnection': 0,
  'mesh.loadBalancer': 'LEAST_REQUEST',
  'mesh.retries': 1,
  'mesh.perTryTimeout': 4500,
  'mesh.timeout': 10_000,
  'mesh.outlierMaxEjectionPercent': 50,
  'mesh.outlierConsecutiveErrors': 3,
  'mesh.outlierInterval': 500,
  'mesh.outlierBaseEjection': 2000,
};

export function endpoint(node: string, port: number, draining = false): Endpoint {
  return { node, address: '127.0.0.1', port, draining };
}

export function subset(name: string, ...endpoints: readonly Endpoint[]): Subset {
  return { name, endpoints, policy: trafficPolicyOf(KNOBS) };
}

function service(
  ports: readonly [number, number, number],
  rest: Pick<MeshService, 'armRoutes' | 'defaultRoute'>,
): MeshService {
  return {
    name: 'checkout',
    hosts: ['checkout.localhost', 'checkout.example'],
    healthPath: '/health',
    subsets: [
      subset('baseline-1', endpoint('baseline-1-a', ports[0]), endpoint('baseline-1-b', ports[1])),
      subset('candidate-2', endpoint('candidate-2-a', ports[2])),
    ],
    ...rest,
  };
}

/** Two arms by header, a planted delay on the baseline's, nothing for unmarked traffic. */
export function stagingPlan(
  ports: readonly [number, number, number] = [18_001, 18_002, 18_003],
): MeshPlan {
  const policy = measurementPolicyOf(KNOBS);
  const armRoutes = [
    { headerValue: 'baseline', subset: 'baseline-1', plantedDelayMs: 25, ...policy },
    { headerValue: 'candidate', subset: 'candidate-2', ...policy },
  ];
  return { environment: 'staging', services: [service(ports, { armRoutes })] };
}

/** Traffic by weight with retries. */
export function productionPlan(
  ports: readonly [number, number, number] = [18_001, 18_002, 18_003],
): MeshPlan {
  const weights = [
    { subset: 'baseline-1', weight: 95 },
    { subset: 'candidate-2', weight: 5 },
  ];
  const defaultRoute = { weights, ...routePolicyOf(KNOBS) };
  return { environment: 'production', services: [service(ports, { armRoutes: [], defaultRoute })] };
}
