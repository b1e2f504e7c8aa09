/** `restoring`: every rollback ends here; staging is cleared and production is seen to be as it must be. */
import { asError } from '../clock.ts';
import { rethrowLeaving } from '../endings.ts';
import type { RunEnding } from '../endings.ts';
import type { RunContext } from '../run-context.ts';
import { clearStaging } from '../staging.ts';
import { isMovable, toRestoring } from '../transitions.ts';
import { conclude, productionWords } from './decide.ts';

/** Stores why the run ends before anything is cleaned up, so that a restart ends it alike. */
export async function beginRestoring(context: RunContext, ending: RunEnding): Promise<void> {
  if (!isMovable(context.run.phase)) return;
  await context.enter(
    {
      ...toRestoring(context.run, context.now()),
      ending: { cause: ending.endCause, words: ending.message },
    },
    `restoring: ${ending.message}`,
  );
}

/**
 * What cannot be cleaned up is said in the summary; the decision is a rollback all the same.
 * @throws ShuttingDown when this process must not go on with it
 */
export async function restore(context: RunContext): Promise<void> {
  const { ending } = context.run;
  if (ending === undefined) throw new Error(`run ${context.run.id} restores without a reason`);
  const sentences = [sentence(ending.words), sentence(await productionPart(context))];
  const left = await stagingPart(context);
  if (left !== undefined) sentences.push(sentence(left));
  await conclude(context, {
    decision: 'rollback',
    cause: ending.cause,
    summary: sentences.join(' '),
  });
}

async function productionPart(context: RunContext): Promise<string> {
  const { promotions } = context.deps;
  try {
    return productionWords(await promotions.settle(context.owner));
  } catch (error) {
    rethrowLeaving(error);
    const words = `Production could not be checked: ${asError(error).message}`;
    await context.tell('problem', words);
    return words;
  }
}

async function stagingPart(context: RunContext): Promise<string | undefined> {
  const { clock, world } = context.deps;
  try {
    await clearStaging(world, clock, context.owner);
    return undefined;
  } catch (error) {
    rethrowLeaving(error);
    const words = `Staging could not be cleared, the next run tries again: ${asError(error).message}`;
    await context.tell('problem', words);
    return words;
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
