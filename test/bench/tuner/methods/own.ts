/** This project's tuner, without experience or with that of former sessions. */
import { createTuner } from '../../../../gate-service/src/optimizer/tuner.ts';
import type {
  Experience,
  Proposal,
  Tuner,
  TuningProblem,
} from '../../../../gate-service/src/optimizer/tuner.ts';
import { createRandom } from '../../../../gate-service/src/statistics/random.ts';
import { NO_SHIFT, simulatedStack } from '../stacks/catalogue.ts';
import type { Shift, StackName } from '../stacks/catalogue.ts';
import { openSession } from '../stacks/stack.ts';
import type { SimulatedStack } from '../stacks/stack.ts';
import type { Method, Search } from './method.ts';

export const FORMER_SESSIONS = 3;
export const FORMER_BUDGET = 30;

export const ownCold: Method = {
  name: 'speed-gate-cold',
  anytime: false,
  open: (stack, budget, seed) => Promise.resolve(open(stack, budget, seed)),
};

export const ownWarm: Method = {
  name: 'speed-gate-warm',
  anytime: false,
  open: (stack, budget, seed) =>
    Promise.resolve(open(stack, budget, seed, rememberedFor(stack.name as StackName, seed))),
};

let latest: { readonly name: StackName; readonly seed: number; former?: Experience } | undefined;

/** The same former sessions for every budget of a seed: computed once. */
function rememberedFor(name: StackName, seed: number): Experience | undefined {
  if (latest?.name !== name || latest.seed !== seed) {
    const former = formerExperience(name, seed);
    latest = { name, seed, ...(former && { former }) };
  }
  return latest.former;
}

/** The problem as every method gets it: the expert's configuration is all that is known beforehand. */
export function problemOf(stack: SimulatedStack): TuningProblem {
  const { space, start, limits, context } = stack;
  const prior = { values: start, reason: 'what the expert’s rules give' };
  return { space, start, limits, context, prior };
}

/**
 * Experience from former sessions, each under a workload shifted by up to a fifth or so, with noise and
 * seeds of its own, each with the experience of those before it. Never the workload or noise of the session to come.
 */
export function formerExperience(name: StackName, seed: number): Experience | undefined {
  const random = createRandom(seed, `former sessions on ${name}`);
  let experience: Experience | undefined;
  for (let former = 1; former <= FORMER_SESSIONS; former += 1) {
    const stack = safeShift(name, () => random.next());
    const own = 1_000_003 * former + seed;
    const tuner = createTuner(problemOf(stack), {
      budget: FORMER_BUDGET,
      seed: own,
      ...(experience && { experience }),
    });
    const session = openSession(stack, createRandom(own, 'former noise'));
    for (let asked = tuner.ask(); asked !== undefined; asked = tuner.ask()) {
      tuner.tell(asked.id, session.evaluate(asked.values));
    }
    experience = tuner.experience();
  }
  return experience;
}

/** A shifted workload under which the start is safe still; the expert would not have left it so otherwise. */
function safeShift(name: StackName, next: () => number): SimulatedStack {
  const factor = (spread: number) => Math.exp(spread * (2 * next() - 1));
  for (;;) {
    const shift: Shift = {
      load: factor(0.2),
      backend: factor(0.25),
      cpu: factor(0.1),
      answer: factor(0.3),
    };
    const distance = Object.entries(shift).reduce(
      (sum, [feature, value]) => sum + Math.abs(Math.log(value / NO_SHIFT[feature as keyof Shift])),
      0,
    );
    const stack = simulatedStack(name, shift);
    if (distance > 0.2 && !stack.truth(stack.start).unsafe) return stack;
  }
}

function open(
  stack: SimulatedStack,
  budget: number,
  seed: number,
  experience?: Experience,
): Search & { readonly tuner: Tuner } {
  const tuner = createTuner(problemOf(stack), {
    budget,
    seed,
    ...(experience && { experience }),
  });
  let asked: Proposal | undefined;
  return {
    tuner,
    ask: () => {
      asked = tuner.ask();
      return Promise.resolve(asked?.values);
    },
    tell: (told) => {
      if (asked === undefined) throw new Error('nothing was asked');
      if (told.kind === 'rejected') {
        throw new Error(`the tuner asked for what breaks ${told.broken} constraints`);
      }
      tuner.tell(asked.id, told.measured);
      return Promise.resolve();
    },
    best: () => Promise.resolve(tuner.result().best),
    close: () => Promise.resolve(),
  };
}
