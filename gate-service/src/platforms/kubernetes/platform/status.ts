/** What the platform has on the cluster, for a person. */
import { messageOf } from '../../wait-until.ts';
import { isReady } from '../arms/pods.ts';
import type { EnvironmentOfService } from './environment-of-service.ts';

export interface PartStatus {
  readonly name: string;
  /** All of it, as it should be. */
  readonly running: boolean;
  readonly detail: string;
}

/** The gateways of an environment and its arms; what cannot be asked is told as such. */
export async function statusOf(at: EnvironmentOfService): Promise<readonly PartStatus[]> {
  const { environment, namespace, service } = at;
  const where = `${service.name} ${environment}`;
  const gateways: PartStatus = await at.reachable().then(
    (count) => ({
      name: `${where}: gateways`,
      running: true,
      detail: `${count} ${count === 1 ? 'proxy' : 'proxies'}`,
    }),
    (error: unknown) => ({ name: `${where}: gateways`, running: false, detail: messageOf(error) }),
  );
  try {
    const { arms, leftovers, routes } = await at.state();
    return [
      gateways,
      ...arms.map(({ identity, pods, record }) => {
        const ready = pods.filter((pod) => isReady(pod)).length;
        const weight = routes.weights.find(({ armId }) => armId === identity.id)?.weight;
        const share = weight === undefined ? '' : `, ${weight} % of production`;
        return {
          name: `${where}: ${identity.role} ${identity.id}`,
          running: ready === record.nodes,
          detail: `${ready} of ${record.nodes} pods ready in namespace ${namespace}${share}`,
        };
      }),
      ...leftovers.map(({ id, objects }) => ({
        name: `${where}: rest of ${id}`,
        running: false,
        detail: objects.join(', '),
      })),
    ];
  } catch (error) {
    return [gateways, { name: `${where}: arms`, running: false, detail: messageOf(error) }];
  }
}
