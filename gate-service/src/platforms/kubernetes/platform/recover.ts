/** What a gate that ended in the middle left behind is finished or undone. */
import { messageOf } from '../../wait-until.ts';
import { configurationOf, type KubernetesContext } from './context.ts';
import { converge, isUnfinished } from './converge.ts';
import type { EnvironmentOfService } from './environment-of-service.ts';
import { primaryRuns } from './primary.ts';
import { dismantle } from './remove.ts';

const REMOVAL_MS = 300_000;

/**
 * Removals go on, half-swapped arms get their former configuration. Half-made arms are left to who wanted them:
 * runs remove what they do not know. What cannot be repaired now is said and left for the next start: production
 * must come up with the rest.
 */
export async function recover(context: KubernetesContext): Promise<void> {
  for (const at of context.environments) {
    try {
      await recoverIn(context, at);
    } catch (error) {
      context.log(
        `${at.service.name} in ${at.environment} could not be looked through: ${messageOf(error)}`,
      );
    }
  }
}

async function recoverIn(context: KubernetesContext, at: EnvironmentOfService): Promise<void> {
  const { arms, leftovers, retired, routes } = await at.state();
  const attempt = async (id: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      context.log(`arm ${id} could not be repaired: ${messageOf(error)}`);
    }
  };
  for (const arm of arms.filter(isUnfinished)) {
    const { id } = arm.identity;
    await attempt(id, async () => {
      context.log(
        `arm ${id} was in the middle of a swap when the gate service ended: putting its former configuration in force`,
      );
      await converge(context, id, configurationOf(context, arm));
    });
  }
  const running = retired.length === 0 ? undefined : await primaryRuns(at);
  for (const { id, record } of [...leftovers, ...retired]) {
    const weighted = routes.weights.some((one) => one.armId === id);
    if (record?.removing !== true || weighted || id === running) continue;
    await attempt(id, async () => {
      context.log(`arm ${id} was being removed when the gate service ended: removing it`);
      await dismantle(context, at, id, AbortSignal.timeout(REMOVAL_MS));
    });
  }
}
