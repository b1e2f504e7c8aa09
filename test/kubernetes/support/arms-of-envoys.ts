/** Arms for tests of traffic: pods whose Envoy answers with the arm's name and says which gate headers it saw. */
import { SERVICE_LABEL, SUBSET_LABEL } from '../../../gate-service/src/mesh/istio/resources.ts';
import { ARM_HEADER, NODE_HEADER, type Endpoint } from '../../../gate-service/src/mesh/plan.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  POD,
} from '../../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { until } from '../../support/processes.ts';
import type { IstioBed } from './istio-bed.ts';

export const PORT = 8080;

function bootstrap(arm: string): object {
  const header = (key: string, value: string) => ({ header: { key, value } });
  return {
    static_resources: {
      listeners: [
        {
          address: { socket_address: { address: '0.0.0.0', port_value: PORT } },
          filter_chains: [
            {
              filters: [
                {
                  name: 'http',
                  typed_config: {
                    '@type':
                      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                    stat_prefix: 'arm',
                    http_filters: [
                      {
                        name: 'router',
                        typed_config: {
                          '@type':
                            'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
                        },
                      },
                    ],
                    route_config: {
                      response_headers_to_add: [
                        header('x-saw-arm', `%REQ(${ARM_HEADER})%`),
                        header(NODE_HEADER, arm),
                      ],
                      virtual_hosts: [
                        {
                          name: 'all',
                          domains: ['*'],
                          routes: [
                            {
                              match: { prefix: '/' },
                              direct_response: { status: 200, body: { inline_string: arm } },
                            },
                          ],
                        },
                      ],
                    },
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

/** Starts an arm's pods as the gate labels them. */
export async function startArm(
  bed: IstioBed,
  service: string,
  arm: string,
  replicas: number,
): Promise<void> {
  const { client, namespace } = bed;
  const image = await envoyImage(bed);
  const metadata = { name: arm, namespace };
  await client.apply(CONFIG_MAP, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { 'envoy.json': JSON.stringify(bootstrap(arm)) },
  });
  await client.apply(DEPLOYMENT, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: { arm } },
      template: {
        metadata: { labels: { arm, [SERVICE_LABEL]: service, [SUBSET_LABEL]: arm } },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 5,
          containers: [
            {
              name: 'web',
              image,
              command: ['/usr/local/bin/envoy', '-c', '/etc/envoy/envoy.json', '-l', 'error'],
              args: ['--concurrency', '1'],
              readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
              lifecycle: { preStop: { sleep: { seconds: 3 } } },
              resources: { requests: { cpu: '10m', memory: '32Mi' } },
              volumeMounts: [{ name: 'configuration', mountPath: '/etc/envoy' }],
            },
          ],
          volumes: [{ name: 'configuration', configMap: { name: arm } }],
        },
      },
    },
  });
}

/** The arm's pods as endpoints, when all are ready. */
export async function endpointsOf(
  { client, namespace }: IstioBed,
  arm: string,
  replicas: number,
): Promise<readonly Endpoint[]> {
  return until(
    `${replicas} pods of ${arm} are ready`,
    async () => {
      const pods = await client.list({ kind: POD, namespace, labels: { arm } });
      const ready = pods.filter(({ metadata, status }) => {
        const { conditions = [] } = status as {
          conditions?: { type: string; status: string }[];
        };
        const isReady = conditions.some((one) => one.type === 'Ready' && one.status === 'True');
        return isReady && metadata.deletionTimestamp === undefined;
      });
      if (ready.length !== replicas) return undefined;
      return ready.map(({ metadata, status }) => ({
        node: metadata.name,
        address: (status as { podIP: string }).podIP,
        port: PORT,
        draining: false,
      }));
    },
    { withinMs: 120_000, everyMs: 250 },
  );
}

/** The image that the gateways run, which this cluster has for sure. */
async function envoyImage({ client }: IstioBed): Promise<string> {
  const place = { kind: DEPLOYMENT, namespace: 'edge', name: 'gateway-production' };
  const found = (await client.find(place)) as unknown as {
    spec: { template: { spec: { containers: { image: string }[] } } };
  };
  return found.spec.template.spec.containers[0]!.image;
}
