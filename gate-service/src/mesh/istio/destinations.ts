/** Subsets and endpoints of the plan as DestinationRule, ServiceEntry and WorkloadEntry. */
import type { MeshService, Subset } from '../plan.ts';
import { PANIC_PERCENT } from '../policy.ts';
import {
  duration,
  MESH_PORT,
  meshHost,
  resource,
  SERVICE_LABEL,
  serviceResource,
  SUBSET_LABEL,
} from './resources.ts';
import type { EndpointSource, IstioResource } from './resources.ts';

/** All subsets of a service with their policies. */
export function destinationRule(service: MeshService, namespace: string): IstioResource {
  return serviceResource('DestinationRule', service.name, namespace, {
    host: meshHost(service.name, namespace),
    subsets: service.subsets.map((subset) => ({
      name: subset.name,
      labels: { [SUBSET_LABEL]: subset.name },
      trafficPolicy: trafficPolicy(subset),
    })),
  });
}

/** The service inside the mesh, with whatever pods and WorkloadEntries carry its label. */
export function serviceEntry(
  service: MeshService,
  namespace: string,
  endpoints: EndpointSource,
): IstioResource {
  const target = endpoints.kind === 'pods' ? { targetPort: endpoints.targetPort } : {};
  return serviceResource('ServiceEntry', service.name, namespace, {
    hosts: [meshHost(service.name, namespace)],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: MESH_PORT.number, name: MESH_PORT.name, protocol: 'HTTP', ...target }],
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
    loadBalancer: {
      simple: policy.loadBalancer,
      // Istio's default sends everything to the nodes in the gateway's own zone.
      localityLbSetting: { enabled: false },
    },
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
      // Istio takes a share of 0 for Envoy's default of 10 %, so that none is said by the count.
      consecutiveGatewayErrors:
        outlier.maxEjectionPercent === 0 ? 0 : outlier.consecutiveGatewayErrors,
      // 0 turns off Istio's default of five: an application's own 500 never takes its node out.
      consecutive5xxErrors: 0,
      interval: duration(outlier.intervalMs),
      baseEjectionTime: duration(outlier.baseEjectionMs),
      maxEjectionPercent: outlier.maxEjectionPercent,
      // Only when no node is left are all tried, as the local rendering has it.
      minHealthPercent: PANIC_PERCENT,
    },
  };
}
