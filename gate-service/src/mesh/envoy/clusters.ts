/** Subsets of the plan as Envoy clusters and their endpoints. */
import { HEALTH_CHECK, PANIC_PERCENT, UNLIMITED } from '../policy.ts';
import type { MeshService, Subset } from '../plan.ts';
import { clusterName, duration, typeUrl } from './names.ts';
import type { Message } from './names.ts';

/** The cluster of one subset, without saying where its endpoints come from. */
export function cluster(service: MeshService, subset: Subset): Message {
  const { policy } = subset;
  return {
    '@type': typeUrl('config.cluster.v3.Cluster'),
    name: clusterName(service.name, subset.name),
    connect_timeout: duration(policy.connectTimeoutMs),
    lb_policy: policy.loadBalancer,
    common_lb_config: {
      // Any healthy node takes all traffic; only when none is left are all tried. Health checks that
      // time out on every node at once speak of a busy machine, and refusing all would lose requests.
      healthy_panic_threshold: { value: PANIC_PERCENT },
      // The default second delays a change that follows another, and with it a recovered node.
      update_merge_window: '0s',
    },
    ignore_health_on_host_removal: true,
    circuit_breakers: {
      thresholds: [
        {
          max_connections: policy.maxConnections,
          max_pending_requests: policy.maxPendingRequests,
          max_requests: UNLIMITED,
          max_retries: UNLIMITED,
        },
      ],
    },
    health_checks: [healthCheck(service)],
    outlier_detection: outlierDetection(subset),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': typeUrl('extensions.upstreams.http.v3.HttpProtocolOptions'),
        common_http_protocol_options: {
          idle_timeout: duration(policy.idleTimeoutMs),
          ...(policy.maxRequestsPerConnection > 0 && {
            max_requests_per_connection: policy.maxRequestsPerConnection,
          }),
        },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
  };
}

/** The endpoints of one subset. A draining one stays listed, so that its requests in flight can be watched. */
export function loadAssignment(service: MeshService, subset: Subset): Message {
  return {
    '@type': typeUrl('config.endpoint.v3.ClusterLoadAssignment'),
    cluster_name: clusterName(service.name, subset.name),
    endpoints: [
      {
        lb_endpoints: subset.endpoints.map(({ node, address, port, draining, weight }) => ({
          health_status: draining ? 'DRAINING' : 'HEALTHY',
          ...(weight !== undefined && { load_balancing_weight: weight }),
          endpoint: {
            hostname: node,
            address: { socket_address: { address, port_value: port } },
          },
        })),
      },
    ],
  };
}

function healthCheck(service: MeshService): Message {
  return {
    timeout: duration(HEALTH_CHECK.timeoutMs),
    interval: duration(HEALTH_CHECK.intervalMs),
    no_traffic_interval: duration(HEALTH_CHECK.intervalMs),
    unhealthy_threshold: HEALTH_CHECK.unhealthyThreshold,
    healthy_threshold: HEALTH_CHECK.healthyThreshold,
    http_health_check: {
      path: service.healthPath,
      host: service.hosts[0],
      expected_statuses: [{ start: 200, end: HEALTH_CHECK.statusBelow }],
    },
  };
}

/** Gateway failures only: an application's own 500 never takes its node out. */
function outlierDetection({ policy: { outlier } }: Subset): Message {
  return {
    consecutive_gateway_failure: outlier.consecutiveGatewayErrors,
    enforcing_consecutive_gateway_failure: 100,
    enforcing_consecutive_5xx: 0,
    enforcing_success_rate: 0,
    interval: duration(outlier.intervalMs),
    base_ejection_time: duration(outlier.baseEjectionMs),
    max_ejection_percent: outlier.maxEjectionPercent,
  };
}
