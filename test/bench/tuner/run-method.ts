/** One session of a method on a simulated stack, counted. */
import type { Values } from '../../../gate-service/src/optimizer/space/bound-space.ts';
import { createRandom } from '../../../gate-service/src/statistics/random.ts';
import type { Method } from './methods/method.ts';
import { BEST_KNOWN } from './stacks/best-known.ts';
import type { StackName } from './stacks/catalogue.ts';
import { openSession } from './stacks/stack.ts';
import type { SimulatedStack } from './stacks/stack.ts';

export interface Outcome {
  readonly budget: number;
  /** Of the method's answer, without noise, above the best known. Per cent. */
  readonly gapPercent: number;
  /** Whether the answer itself breaks a limit. */
  readonly bestUnsafe: boolean;
  readonly evaluations: number;
  /** Evaluations that truly broke a limit or collapsed. */
  readonly unsafe: number;
  /** Asks that broke a constraint known beforehand; they cost nothing. */
  readonly rejected: number;
}

/** What was asked and how it truly was, for looking at a session. */
export interface Step {
  readonly values: Values;
  readonly value: number;
  readonly unsafe: boolean;
}

/**
 * So many asks in a row may break a constraint before one counts as an unsafe evaluation: a user would
 * check what a sampler proposes before it is run.
 */
const FREE_REJECTIONS = 100;

/**
 * Runs one session for each budget, or one for all of them where the method does not depend on the budget.
 * All methods see the same noise and drift at the same evaluation of the same seed.
 */
export async function runMethod(
  stack: SimulatedStack,
  method: Method,
  budgets: readonly number[],
  seed: number,
  onStep?: (step: Step) => void,
): Promise<Outcome[]> {
  if (method.anytime) return runSession(stack, method, budgets, seed, onStep);
  const outcomes: Outcome[] = [];
  for (const budget of budgets) {
    outcomes.push(...(await runSession(stack, method, [budget], seed, onStep)));
  }
  return outcomes;
}

async function runSession(
  stack: SimulatedStack,
  method: Method,
  budgets: readonly number[],
  seed: number,
  onStep?: (step: Step) => void,
): Promise<Outcome[]> {
  const last = Math.max(...budgets);
  const noise = openSession(stack, createRandom(seed, `noise of ${stack.name}`));
  const search = await method.open(stack, last, seed);
  const outcomes: Outcome[] = [];
  const count = { evaluations: 0, unsafe: 0, rejected: 0 };
  const note = async (budget: number): Promise<void> => {
    outcomes.push({ budget, ...judged(stack, await search.best()), ...count });
  };
  try {
    let inARow = 0;
    while (count.evaluations < last) {
      const values = await search.ask();
      if (values === undefined) break;
      const checked = stack.space.check(values);
      if (!checked.ok) {
        count.rejected += 1;
        inARow += 1;
        await search.tell({ kind: 'rejected', broken: checked.violations.length });
        if (inARow <= FREE_REJECTIONS) continue;
        count.unsafe += 1;
      } else {
        const truth = stack.truth(checked.values);
        onStep?.({ values: checked.values, value: truth.value, unsafe: truth.unsafe });
        if (truth.unsafe) count.unsafe += 1;
        await search.tell({ kind: 'measured', measured: noise.evaluate(checked.values) });
      }
      inARow = 0;
      count.evaluations += 1;
      if (budgets.includes(count.evaluations)) await note(count.evaluations);
    }
    for (const budget of budgets) {
      if (!outcomes.some((outcome) => outcome.budget === budget)) await note(budget);
    }
    return outcomes;
  } finally {
    await search.close();
  }
}

function judged(stack: SimulatedStack, best: Values): Pick<Outcome, 'gapPercent' | 'bestUnsafe'> {
  const known = BEST_KNOWN[stack.name as StackName].value;
  const checked = stack.space.check(best);
  if (!checked.ok)
    throw new Error(`the answer is illegal: ${checked.violations[0]?.message ?? ''}`);
  const { value, unsafe } = stack.truth(checked.values);
  return { gapPercent: 100 * (value / known - 1), bestUnsafe: unsafe };
}
