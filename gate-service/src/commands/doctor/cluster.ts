/** Services on a cluster: is everything there that the gate needs, and is something there that nobody needs any more? */
import { lookAtCluster, type FoundPlace } from '../../platforms/kubernetes/doctor/look.ts';
import { openKubernetesPlatform } from '../../platforms/kubernetes/kubernetes-platform.ts';
import type { Catalogue } from '../../settings/catalogue.ts';
import type { KubernetesSettings } from '../../settings/platform-settings.ts';
import type { Store } from '../../store/store.ts';
import { clusterAccess } from '../platform/kubernetes.ts';
import { areaOf, type Finding } from './finding.ts';

const area = areaOf('cluster');
const REMOVE_MS = 300_000;

/** Services for which something is under way just now: their arms are somebody's. */
export type Busy = ReadonlySet<string>;

/** @param busy undefined when the store could not be asked */
export async function checkCluster(
  settings: KubernetesSettings,
  catalogue: Catalogue,
  busy: Busy | undefined,
): Promise<readonly Finding[]> {
  const access = await clusterAccess(settings, catalogue, () => undefined);
  try {
    return (await lookAtCluster(access.platform)).flatMap((place) => findingsOf(place, busy));
  } finally {
    await access.close();
  }
}

/** What is to be seen of a place's arms by who does not change anything. */
export function findingsOf(
  { arms, environment, namespace, problems, rests, service }: FoundPlace,
  busy: Busy | undefined,
): readonly Finding[] {
  const where = `${service} in ${environment}`;
  const isBusy = busy?.has(service) === true;
  const remedy = (id: string): string => {
    if (busy === undefined) return 'give --state or the database of the gate, and look again';
    if (isBusy) return 'leave it: a run or promotion of the service is under way';
    return `npm run speed-gate -- doctor --remove ${id}`;
  };
  const underWay =
    busy === undefined
      ? 'whether something is under way could not be asked of the store'
      : 'nothing is under way';
  return [
    ...problems.map((words) => area.problem(`${where}: ${words}`, 'no build of it can be gated')),
    ...(problems.length === 0 ? [area.ok(`${where}: the gate has what it needs`)] : []),
    ...arms.map(({ id, role, weight }) => {
      if (weight > 0) return area.ok(`${where}: ${role} ${id} has ${weight} % of the traffic`);
      return isBusy
        ? area.ok(`${where}: ${role} ${id} is of what is under way`)
        : area.warning(
            `${where}: ${role} ${id} has no traffic, and ${underWay} (namespace ${namespace})`,
            busy === undefined
              ? remedy(id)
              : `start the service, whose next run removes it, or ${remedy(id)}`,
          );
    }),
    ...rests.map(({ id, objects, since, unreadable }) =>
      area.warning(
        `${where}: ${unreadable ? `arm ${id} has a record that this version cannot read` : `a part of arm ${id} was left`} (namespace ${namespace}${since === undefined ? '' : `, since ${since}`}): ${objects.join(', ')}`,
        unreadable ? 'use the version of the gate that made it' : remedy(id),
      ),
    ),
  ];
}

/**
 * Takes an arm away, whole or in part: routes, subsets, then its objects.
 * @param busy see {@link checkCluster}; undefined refuses everything
 * @throws Error for an arm that is not there, of a service with something under way, or that carries production
 */
export async function removeLeftover(
  settings: KubernetesSettings,
  catalogue: Catalogue,
  busy: Busy | undefined,
  id: string,
): Promise<void> {
  const access = await clusterAccess(settings, catalogue, () => undefined);
  try {
    const places = await lookAtCluster(access.platform);
    const place = places.find(({ arms, rests }) =>
      [...arms, ...rests].some((one) => one.id === id),
    );
    if (place === undefined) {
      throw new Error(
        `there is no arm ${id} in the namespaces of the catalogue's services; doctor without --remove lists those that there are`,
      );
    }
    if (busy === undefined || busy.has(place.service)) {
      throw new Error(
        busy === undefined
          ? `whether something of ${place.service} is under way cannot be asked of the store: arm ${id} is left as it is`
          : `a run or promotion of ${place.service} is under way: arm ${id} may be part of it. Wait for its end, or cancel it`,
      );
    }
    if (place.rests.some((one) => one.id === id && one.unreadable)) {
      throw new Error(
        `arm ${id} has a record that this version of the gate cannot read: use the version that made it`,
      );
    }
    await openKubernetesPlatform(access.platform).remove(id, AbortSignal.timeout(REMOVE_MS));
  } finally {
    await access.close();
  }
}

/** Services with a run that has not ended or a promotion that goes on. */
export async function busyServices(store: Store): Promise<Busy> {
  const runs = await store.unfinishedRuns();
  const { items } = await store.promotions({ state: 'running' }, { limit: 200 });
  return new Set([...runs, ...items].map(({ service }) => service));
}
