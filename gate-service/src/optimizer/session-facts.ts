/** What a session is about, fixed from its first ask to its last; and what its steps amount to. */
import { sameEffect, sameValues } from './encoding.ts';
import { fitLandscape } from './landscape.ts';
import type { Landscape } from './landscape.ts';
import { excessOf, holdsLimits, scaleOfTrials, whyUnsafe } from './measures.ts';
import type { Memory } from './memory.ts';
import type { Values } from './space/bound-space.ts';
import type { TunerState } from './tuner-state.ts';
import type { Limit, Step, Trial, TunerOptions, TuningProblem } from './tuner.ts';

export interface SessionFacts {
  readonly problem: TuningProblem;
  readonly options: TunerOptions;
  readonly memory: Memory;
}

/** Hyper-parameters are fitted at each of the first evaluations, then at every third. */
const REFIT = { always: 6, every: 3 } as const;

/** What of a problem says which configurations are safe. */
export type Limits = Pick<TuningProblem, 'space' | 'start' | 'limits'>;

/**
 * One trial a step; a paired one has the value that follows from its ratios. Here alone it is decided
 * whether one was unsafe: by its limits, whatever followed from it.
 */
export function trialsOf(limits: readonly Limit[], steps: readonly Step[]): Trial[] {
  return steps.map(({ proposal, observation }) => ({
    values: proposal.values,
    ...(observation.value === undefined ? {} : { value: observation.value }),
    ...(observation.metrics === undefined ? {} : { metrics: observation.metrics }),
    unsafe: whyUnsafe(limits, observation) !== undefined,
  }));
}

/** Measured, and seen to hold every limit each time. A limit without its metric was not seen to hold. */
export function heldValues({ space, limits }: Limits, trials: readonly Trial[]): Values[] {
  const violators = trials.filter(({ unsafe }) => unsafe).map(({ values }) => values);
  const held: Values[] = [];
  for (const trial of trials) {
    const { values } = trial;
    if (!holdsLimits(limits, trial)) continue;
    if (violators.some((violator) => sameEffect(space, violator, values))) continue;
    if (!held.some((one) => sameValues(space, one, values))) held.push(values);
  }
  return held;
}

/**
 * Where steps may begin: what held its limits. Where nothing did, the configuration in force, which is
 * there whatever it breaks, and what broke its limits by less.
 */
export function safeValues(problem: Limits, trials: readonly Trial[]): Values[] {
  const held = heldValues(problem, trials);
  return held.length > 0 ? held : [problem.start, ...lessBroken(problem, trials)];
}

/** Configurations that broke limits by less than the start did, the least broken one last. */
function lessBroken({ space, start, limits }: Limits, trials: readonly Trial[]): Values[] {
  const excess = (values: Values): number =>
    Math.max(
      ...trials
        .filter((trial) => sameEffect(space, trial.values, values))
        .map((trial) => excessOf(limits, trial)),
    );
  const least = excess(start);
  const known: { readonly values: Values; readonly excess: number }[] = [];
  for (const { values } of trials) {
    if (known.some((one) => sameEffect(space, one.values, values))) continue;
    known.push({ values, excess: excess(values) });
  }
  return known
    .filter((one) => one.excess < least)
    .sort((one, other) => other.excess - one.excess)
    .map(({ values }) => values);
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
