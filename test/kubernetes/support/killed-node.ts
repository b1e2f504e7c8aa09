/** A node of an arm that dies as its machine's kernel would end it: nothing of it has time to say goodbye. */
import { z } from 'zod';
import { isReady, type Pod } from '../../../gate-service/src/platforms/kubernetes/arms/pods.ts';
import { ctr } from '../../support/cluster/images.ts';
import { until } from '../../support/processes.ts';
import { CONTAINER } from './node-deployment.ts';

export interface KilledNode {
  readonly pod: string;
  /** Between these two it died, by `performance.now()`. */
  readonly killedAt: number;
  readonly deadAt: number;
  /** Whether among the arm's pods of now there are so many ready ones as before, with a successor of the dead one. */
  isReplaced(pods: readonly Pod[]): boolean;
}

/** SIGKILL to every process of a ready pod's node, of those that have died the least often. Resolves when all are gone. */
export async function killNodeOf(pods: readonly Pod[]): Promise<KilledNode> {
  const ready = pods.filter((pod) => isReady(pod));
  const [victim] = ready.toSorted((one, other) => restartsOf(one) - restartsOf(other));
  if (victim === undefined) throw new Error('the arm has no pod that is ready');
  const dead = containerOf(victim);
  const task = dead.replace('containerd://', '');
  const killedAt = performance.now();
  await ctr(['tasks', 'kill', '--signal', 'SIGKILL', '--all', task]);
  await until(`${victim.metadata.name} is dead`, async () =>
    (await ctr(['tasks', 'ls'])).split('\n').some((row) => isRunning(row, task)) ? undefined : true,
  );
  return {
    pod: victim.metadata.name,
    killedAt,
    deadAt: performance.now(),
    isReplaced: (now) =>
      now.filter((pod) => isReady(pod) && containerOf(pod) !== dead).length === ready.length,
  };
}

function isRunning(row: string, task: string): boolean {
  return row.startsWith(task) && row.includes('RUNNING');
}

const statusSchema = z.looseObject({ name: z.string(), containerID: z.string().default('') });

function containerOf({ status }: Pod): string {
  const statuses = status.containerStatuses.map((one) => statusSchema.parse(one));
  return statuses.find(({ name }) => name === CONTAINER)?.containerID ?? '';
}

function restartsOf({ status }: Pod): number {
  return status.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}
