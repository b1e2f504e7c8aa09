/** What a session is about, fixed from its first ask to its last; and what its steps amount to. */
import { sameEffect, sameValues } from './encoding.ts';
import { fitLandscape } from './landscape.ts';
import type { Landscape } from './landscape.ts';
import { scaleOfTrials } from './measures.ts';
import type { Memory } from './memory.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { TunerState } from './tuner-state.ts';
import type { Step, Trial, TunerOptions, TuningProblem } from './tuner.ts';

export interface SessionFacts {
  readonly problem: TuningProblem;
  readonly options: TunerOptions;
  readonly memory: Memory;
}

/** Hyper-parameters are fitted at each of the first evaluations, then at every third. */
const REFIT = { always: 6, every: 3 } as const;

/** One trial a step; a paired one has the value that follows from its ratios. */
export function trialsOf(steps: readonly Step[]): Trial[] {
  return steps.map(({ proposal, observation, decision }) => ({
    values: proposal.values,
    ...(observation.value === undefined ? {} : { value: observation.value }),
    ...(observation.metrics === undefined ? {} : { metrics: observation.metrics }),
    unsafe: decision.verdict === 'unsafe',
  }));
}

/** Measured, and safe each time; the start when there is none. */
export function safeValues(
  { space, start }: { readonly space: BoundSpace; readonly start: Values },
  trials: readonly Trial[],
): Values[] {
  const violators = trials.filter(({ unsafe }) => unsafe).map(({ values }) => values);
  const safe: Values[] = [];
  for (const { values, unsafe } of trials) {
    if (unsafe || violators.some((violator) => sameEffect(space, violator, values))) continue;
    if (!safe.some((one) => sameValues(space, one, values))) safe.push(values);
  }
  return safe.length > 0 ? safe : [start];
}

/** The critics of the steps so far, and the state that remembers their hyper-parameters. */
export function learn(
  { problem, options, memory }: SessionFacts,
  state: TunerState,
  trials: readonly Trial[],
): { readonly landscape: Landscape; readonly state: TunerState } {
  const count = trials.length;
  const refit = count < REFIT.always || count - state.fittedAt >= REFIT.every;
  const landscape = fitLandscape({
    space: problem.space,
    limits: problem.limits,
    trials,
    scale: scaleOfTrials(trials),
    seed: options.seed,
    past: memory.critics,
    hyperparameters: state.hyperparameters,
    refit,
  });
  const { hyperparameters } = landscape;
  return {
    landscape,
    state: { ...state, hyperparameters, fittedAt: refit ? count : state.fittedAt },
  };
}
