/** What a gate service that ended in the middle left behind is finished or undone. */
import { configurationOf, type PlatformContext } from './context.ts';
import { converge, isUnfinished } from './converge.ts';
import { dismantle } from './dismantle.ts';
import { messageOf } from '../wait-until.ts';

/**
 * Half-made and half-removed arms go; half-swapped ones get their former configuration. What
 * cannot be repaired now is said and left for the next start: production must come up with the rest.
 */
export async function recoverArms(context: PlatformContext): Promise<void> {
  for (const arm of context.state.state.arms) {
    try {
      if (arm.phase !== 'present') {
        context.log.info(`arm ${arm.id} was ${arm.phase} when the gate service ended: removing it`);
        await dismantle(context, arm.id);
      } else if (isUnfinished(context, arm.id)) {
        context.log.info(
          `arm ${arm.id} was in the middle of a swap: putting its former configuration in force`,
        );
        await converge(context, arm.id, configurationOf(context, arm));
      }
    } catch (error) {
      context.log.warn(`arm ${arm.id} could not be repaired: ${messageOf(error)}`);
    }
  }
}
