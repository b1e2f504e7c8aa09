/** How an Envoy treats each subset, from its clusters and their endpoints. */
import { UNLIMITED } from '../policy.ts';
import { messageAt, messagesAt, millisecondsAt, numberAt, textAt } from './message.ts';
import type { Message } from './message.ts';
import { byAddress } from './of-plan.ts';
import { UnreadableTrafficError } from './traffic.ts';
import type { EndpointTreatment, OutlierTreatment, SubsetTreatment } from './traffic.ts';

/** Envoy's own values where a cluster says nothing. */
const ENVOY = {
  connectTimeoutMs: 5000,
  idleTimeoutMs: 3_600_000,
  connections: 1024,
  retries: 3,
  panicPercent: 50,
  consecutiveErrors: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionPercent: 10,
} as const;

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** `assignments` are the cluster's endpoints as Envoy has them from xDS. */
export function subsetTreatment(
  cluster: Message,
  assignments: readonly Message[],
): SubsetTreatment {
  if (cluster.load_balancing_policy !== undefined) {
    throw new UnreadableTrafficError(
      `Cluster ${textAt(cluster, 'name') ?? '?'} has a load_balancing_policy, which cannot be judged.`,
    );
  }
  const limits = messagesAt(messageAt(cluster, 'circuit_breakers'), 'thresholds').find(
    (one) => (textAt(one, 'priority') ?? 'DEFAULT') === 'DEFAULT',
  );
  const http = messageAt(
    messageAt(messageAt(cluster, 'typed_extension_protocol_options'), HTTP_OPTIONS),
    'common_http_protocol_options',
  );
  const lb = messageAt(cluster, 'common_lb_config');
  const outlier = outlierOf(cluster);
  return {
    loadBalancer: textAt(cluster, 'lb_policy') ?? 'ROUND_ROBIN',
    connectTimeoutMs: millisecondsAt(cluster, 'connect_timeout') ?? ENVOY.connectTimeoutMs,
    idleTimeoutMs: millisecondsAt(http, 'idle_timeout') ?? ENVOY.idleTimeoutMs,
    maxConnections: numberAt(limits ?? {}, 'max_connections', ENVOY.connections),
    maxPendingRequests: numberAt(limits ?? {}, 'max_pending_requests', ENVOY.connections),
    maxRequests: numberAt(limits ?? {}, 'max_requests', ENVOY.connections),
    maxRetries: numberAt(limits ?? {}, 'max_retries', ENVOY.retries),
    maxRequestsPerConnection: unlimitedAsZero(numberAt(http, 'max_requests_per_connection', 0)),
    ...(outlier && { outlier }),
    panicPercent:
      lb.healthy_panic_threshold === undefined
        ? ENVOY.panicPercent
        : numberAt(messageAt(lb, 'healthy_panic_threshold'), 'value', 0),
    placeMatters:
      lb.locality_weighted_lb_config !== undefined ||
      lb.zone_aware_lb_config !== undefined ||
      assignments.some((one) => numberAt(one, 'priority', 0) > 0),
    endpoints: assignments.flatMap(endpointsOf).toSorted(byAddress),
  };
}

/** Only gateway errors may take a node out; whatever else would is unreadable rather than overlooked. */
function outlierOf(cluster: Message): OutlierTreatment | undefined {
  if (cluster.outlier_detection === undefined) return undefined;
  const outlier = messageAt(cluster, 'outlier_detection');
  const other = ['enforcing_consecutive_5xx', 'enforcing_success_rate'].find(
    (name) => numberAt(outlier, name, 100) !== 0,
  );
  if (other !== undefined) {
    throw new UnreadableTrafficError(
      `Cluster ${textAt(cluster, 'name') ?? '?'} takes nodes out by ${other.slice('enforcing_'.length)}, which no plan asks for.`,
    );
  }
  const maxEjectionPercent = numberAt(outlier, 'max_ejection_percent', ENVOY.maxEjectionPercent);
  const enforcing = numberAt(outlier, 'enforcing_consecutive_gateway_failure', 0);
  if (enforcing === 0 || maxEjectionPercent === 0) return undefined;
  return {
    consecutiveGatewayErrors: numberAt(
      outlier,
      'consecutive_gateway_failure',
      ENVOY.consecutiveErrors,
    ),
    intervalMs: millisecondsAt(outlier, 'interval') ?? ENVOY.intervalMs,
    baseEjectionMs: millisecondsAt(outlier, 'base_ejection_time') ?? ENVOY.baseEjectionMs,
    maxEjectionPercent,
  };
}

function endpointsOf(locality: Message): EndpointTreatment[] {
  return messagesAt(locality, 'lb_endpoints')
    .filter((one) => ['HEALTHY', 'UNKNOWN'].includes(textAt(one, 'health_status') ?? 'UNKNOWN'))
    .map((one) => {
      const socket = messageAt(messageAt(messageAt(one, 'endpoint'), 'address'), 'socket_address');
      const address = textAt(socket, 'address');
      if (address === undefined) {
        throw new UnreadableTrafficError('An endpoint has no socket address.');
      }
      return {
        address: `${address}:${numberAt(socket, 'port_value', 0)}`,
        weight: numberAt(one, 'load_balancing_weight', 1),
      };
    });
}

function unlimitedAsZero(value: number): number {
  return value === UNLIMITED ? 0 : value;
}
