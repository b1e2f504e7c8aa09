/** Subsets and endpoints of the plan as DestinationRule, ServiceEntry and WorkloadEntry. */
import type { MeshService, Subset } from '../plan.ts';
import {
  duration,
  MESH_PORT,
  meshHost,
  resource,
  SERVICE_LABEL,
  SUBSET_LABEL,
} from './resources.ts';
import type { IstioResource } from './resources.ts';

/** All subsets of a service with their policies. */
export function destinationRule(service: MeshService, namespace: string): IstioResource {
  return resource('DestinationRule', service.name, namespace, {
    host: meshHost(service.name, namespace),
    subsets: service.subsets.map((subset) => ({
      name: subset.name,
      labels: { [SUBSET_LABEL]: subset.name },
      trafficPolicy: trafficPolicy(subset),
    })),
  });
}

/** The service inside the mesh, with whatever WorkloadEntries carry its label. */
export function serviceEntry(service: MeshService, namespace: string): IstioResource {
  return resource('ServiceEntry', service.name, namespace, {
    hosts: [meshHost(service.name, namespace)],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: MESH_PORT.number, name: MESH_PORT.name, protocol: 'HTTP' }],
    workloadSelector: { labels: { [SERVICE_LABEL]: service.name } },
  });
}

/**
 * One object per endpoint. Istio has no word for a draining endpoint: it is left out, and Envoy
 * lets its requests in flight finish. Weights between endpoints need these objects, too: pods that
 * a Kubernetes Service selects have none.
 */
export function workloadEntries(service: MeshService, namespace: string): IstioResource[] {
  return service.subsets.flatMap((subset) =>
    subset.endpoints
      .filter((endpoint) => !endpoint.draining)
      .map(({ node, address, port, weight }) => {
        const labels = { [SERVICE_LABEL]: service.name, [SUBSET_LABEL]: subset.name };
        const spec = {
          address,
          ports: { [MESH_PORT.name]: port },
          labels,
          ...(weight !== undefined && { weight }),
        };
        return resource('WorkloadEntry', node, namespace, spec, labels);
      }),
  );
}

function trafficPolicy({ policy }: Subset): Readonly<Record<string, unknown>> {
  const { outlier } = policy;
  return {
    loadBalancer: { simple: policy.loadBalancer },
    connectionPool: {
      tcp: {
        maxConnections: policy.maxConnections,
        connectTimeout: duration(policy.connectTimeoutMs),
      },
      http: {
        http1MaxPendingRequests: policy.maxPendingRequests,
        idleTimeout: duration(policy.idleTimeoutMs),
        ...(policy.maxRequestsPerConnection > 0 && {
          maxRequestsPerConnection: policy.maxRequestsPerConnection,
        }),
      },
    },
    outlierDetection: {
      consecutiveGatewayErrors: outlier.consecutiveGatewayErrors,
      // 0 turns off Istio's default of five: an application's own 500 never takes its node out.
      consecutive5xxErrors: 0,
      interval: duration(outlier.intervalMs),
      baseEjectionTime: duration(outlier.baseEjectionMs),
      maxEjectionPercent: outlier.maxEjectionPercent,
      minHealthPercent: 0,
    },
  };
}
