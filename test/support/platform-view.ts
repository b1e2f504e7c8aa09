/** The local platform below a state folder, read beside the gate service that runs it. */
import { join } from 'node:path';
import type { Environment } from '../../gate-service/src/mesh/plan.ts';
import { clusterName } from '../../gate-service/src/mesh/envoy/names.ts';
import { createNodeAgentClient } from '../../gate-service/src/node-agent/client.ts';
import type { NodeStatus } from '../../gate-service/src/node-agent/protocol.ts';
import { EnvoyAdmin } from '../../gate-service/src/platforms/local/envoy-admin.ts';
import {
  readState,
  type NodeState,
  type PlatformState,
} from '../../gate-service/src/platforms/local/state.ts';

export interface SeenNode {
  readonly name: string;
  readonly arm: string;
  readonly role: string;
  readonly ports: NodeState['ports'];
  /** Absent while the agent does not answer. */
  readonly status: NodeStatus | undefined;
  /** Whether the environment's Envoy sends requests to it. */
  readonly healthyInProxy: boolean;
}

export async function platformOf(state: string): Promise<PlatformState> {
  const platform = await readState(join(state, 'platform', 'platform.json'));
  if (platform === undefined) throw new Error(`no platform was started below ${state}`);
  return platform;
}

export async function seenNodes(
  state: string,
  environment: Environment,
): Promise<readonly SeenNode[]> {
  const platform = await platformOf(state);
  const hosts = await new EnvoyAdmin(platform.ports[environment].admin)
    .hosts()
    .catch(() => undefined);
  const arms = platform.arms.filter((arm) => arm.environment === environment);
  return Promise.all(
    arms.flatMap((arm) =>
      arm.nodes.map(async ({ name, ports }) => ({
        name,
        arm: arm.id,
        role: arm.role,
        ports,
        status: await createNodeAgentClient({
          address: '127.0.0.1',
          port: ports.agent,
          token: platform.token,
        })
          .status()
          .catch(() => undefined),
        healthyInProxy:
          hosts
            ?.get(clusterName(arm.service.name, arm.id))
            ?.some((host) => host.port === ports.httpd && host.healthy) ?? false,
      })),
    ),
  );
}

/** @throws when the Envoy of production does not answer */
export async function productionWeights(
  state: string,
  service: string,
): Promise<ReadonlyMap<string, number>> {
  const { ports } = await platformOf(state);
  const routes = await new EnvoyAdmin(ports.production.admin).routes();
  const prefix = clusterName(service, '');
  return new Map(
    [...(routes?.weights.get(service) ?? [])].map(([cluster, weight]) => [
      cluster.slice(prefix.length),
      weight,
    ]),
  );
}
