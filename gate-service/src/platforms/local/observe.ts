/** The arms of a service as their nodes and the proxy have them now. */
import type { Environment } from '../../mesh/plan.ts';
import type { ArmObservation } from '../platform.ts';
import { armOf, type PlatformContext } from './context.ts';

/** See `Platform.observe`: also arms whose deployment or removal is under way. */
export async function observeArms(
  context: PlatformContext,
  service: string,
  environment: Environment,
): Promise<readonly ArmObservation[]> {
  const { state, mesh, fleet } = context;
  const arms = state.state.arms.filter(
    (arm) => arm.service.name === service && arm.environment === environment,
  );
  if (arms.length === 0) return [];
  const weights =
    environment === 'production' ? await mesh.weights(service) : new Map<string, number>();
  return Promise.all(
    arms.map(async (arm) => {
      const hosts = await mesh.hosts(arm);
      const observed = armOf(arm);
      const counted = arm.nodes.filter(({ name }) =>
        observed.nodes.some((node) => node.name === name),
      );
      const nodes = await Promise.all(
        counted.map(async (node) => {
          const status = await fleet.status(node);
          const host = hosts.find(({ port }) => port === node.ports.httpd);
          return {
            name: node.name,
            ...(status && { status }),
            healthyInProxy: host?.healthy ?? false,
            requestsTotal: host?.requestsTotal ?? 0,
          };
        }),
      );
      return { arm: observed, weight: weights.get(arm.id) ?? 0, nodes };
    }),
  );
}
