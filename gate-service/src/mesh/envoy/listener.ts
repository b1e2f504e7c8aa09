/** The one listener of an environment. It does not change while the plan does: routes do. */
import type { Environment } from '../plan.ts';
import { duration, LISTENER, typeUrl } from './names.ts';
import type { Message } from './names.ts';
import { GATE_HEADERS } from './routes.ts';

/**
 * Request headers by which a client could set Envoy's retries and time-outs itself. Envoy trusts
 * them from addresses it takes for internal.
 */
const ENVOY_REQUEST_HEADERS = [
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-alt-stat-name',
] as const;

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * The listener with its connection manager. `routes` says where the routes come from (`rds` or
 * `route_config`). Production removes the gate's headers before it chooses a route: removing them
 * on the way to the application would still route by them.
 */
export function listener(
  environment: Environment,
  { address, port }: ListenAddress,
  routes: Message,
): Message {
  const removed =
    environment === 'production'
      ? [...GATE_HEADERS, ...ENVOY_REQUEST_HEADERS]
      : ENVOY_REQUEST_HEADERS;
  return {
    '@type': typeUrl('config.listener.v3.Listener'),
    name: LISTENER,
    address: { socket_address: { address, port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': typeUrl(
                'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              ),
              stat_prefix: LISTENER,
              ...routes,
              use_remote_address: true,
              generate_request_id: false,
              // A client's connection may rest longer than any pause of a sender.
              common_http_protocol_options: { idle_timeout: duration(3_600_000) },
              early_header_mutation_extensions: [
                {
                  name: 'remove-headers',
                  typed_config: {
                    '@type': typeUrl(
                      'extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
                    ),
                    mutations: removed.map((header) => ({ remove: header })),
                  },
                },
              ],
              http_filters: httpFilters(environment),
            },
          },
        ],
      },
    ],
  };
}

/** The fault filter does nothing by itself; staging's arm routes set it. Production has none. */
function httpFilters(environment: Environment): readonly Message[] {
  const fault = {
    name: 'envoy.filters.http.fault',
    typed_config: { '@type': typeUrl('extensions.filters.http.fault.v3.HTTPFault') },
  };
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': typeUrl('extensions.filters.http.router.v3.Router') },
  };
  return environment === 'staging' ? [fault, router] : [router];
}
