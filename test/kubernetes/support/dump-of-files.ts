/** The config_dump that an Envoy on the local rendering's files has, without an Envoy. */
import { renderXds } from '../../../gate-service/src/mesh/envoy/render.ts';
import type { MeshPlan } from '../../../gate-service/src/mesh/plan.ts';

const type = (name: string) => `type.googleapis.com/envoy.admin.v3.${name}`;

export function dumpOfFiles(plan: MeshPlan): unknown {
  const files = renderXds(plan, {
    directory: '/nowhere',
    listen: { address: '127.0.0.1', port: 18_080 },
    admin: { address: '127.0.0.1', port: 18_081 },
    nodeId: 'none',
  });
  const resources = (kind: string): unknown[] =>
    files
      .filter((file) => file.kind === kind)
      .flatMap(({ text }) => (JSON.parse(text) as { resources: unknown[] }).resources);
  return {
    configs: [
      {
        '@type': type('ClustersConfigDump'),
        dynamic_active_clusters: resources('cds').map((cluster) => ({ cluster })),
      },
      {
        '@type': type('EndpointsConfigDump'),
        dynamic_endpoint_configs: resources('eds').map((one) => ({ endpoint_config: one })),
      },
      {
        '@type': type('ListenersConfigDump'),
        dynamic_listeners: resources('lds').map((listener) => ({ active_state: { listener } })),
      },
      {
        '@type': type('RoutesConfigDump'),
        dynamic_route_configs: resources('rds').map((one) => ({ route_config: one })),
      },
    ],
  };
}
