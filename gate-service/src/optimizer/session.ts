/** One session: asks, tells, and what is remembered between them. All thinking is in the modules it calls. */
import { blindOf } from './blindness.ts';
import { lapOf, raceDue, tiredOf } from './comparing.ts';
import { comparedAgain, ratiosBefore } from './comparing-again.ts';
import { decide } from './deciding.ts';
import { sameEffect, sameValues } from './encoding.ts';
import { predictionOf, explain } from './explaining.ts';
import { explore, SAFE } from './exploring.ts';
import type { Known } from './exploring.ts';
import { waysBetween } from './candidates.ts';
import type { Landscape } from './landscape.ts';
import { checkObservation } from './measures.ts';
import { onlyBarriers, recall } from './memory.ts';
import { LEAST_BUDGET, LEAST_LAPS } from './racing.ts';
import { remember } from './remembering.ts';

import { heldValues, learn, safeValues, trialsOf } from './session-facts.ts';
import type { SessionFacts } from './session-facts.ts';
import type { Values } from './space/bound-space.ts';
import { hashOfSpace } from './space-hash.ts';
import {
  ForeignExperienceError,
  IllegalProblemError,
  UnknownProposalError,
} from './tuner-errors.ts';
import { firstRadius, incumbentOf, initialState, RADIUS } from './tuner-state.ts';
import type { TunerState } from './tuner-state.ts';
import type {
  Decision,
  Experience,
  Observation,
  Proposal,
  Step,
  Trial,
  Tuner,
  TunerOptions,
  TunerSnapshot,
  TuningProblem,
  TuningResult,
} from './tuner.ts';

/** Gain, on the scale of comparison, from which a new leader counts as progress. */
const PROGRESS = 0.03;
/** Progress widens the trust region, so many failures in a row narrow it (TuRBO, Eriksson et al. 2019). */
const REGION = { grow: 1.4, shrink: 0.8, failures: 5 } as const;
const KEPT_TRENDS = 3;
/** How sure a leader's value must be: this many standard deviations count against it. */
const DOUBT = 0.3;

export function startSession(
  problem: TuningProblem,
  options: TunerOptions,
  former?: TunerSnapshot,
): Tuner {
  const { space } = problem;
  const hash = hashOfSpace(space.knobs);
  if (former !== undefined && former.space !== hash) {
    throw new ForeignExperienceError('snapshot', former.space, hash);
  }
  if (options.experience !== undefined && options.experience.space !== hash) {
    throw new ForeignExperienceError('experience', options.experience.space, hash);
  }
  checkProblem(problem, options);
  const memory = recall(problem, options.experience, options.seed);
  const facts: SessionFacts = { problem, options, memory };
  const steps: Step[] = [...(former?.steps ?? [])];
  let open = former?.open;
  let state: TunerState = former?.state ?? initialState(problem, memory);
  let dropped: Landscape['dropped'] | undefined;

  function ask(): Proposal | undefined {
    if (open !== undefined) return open;
    if (steps.length >= options.budget && state.ended === undefined) {
      state = { ...state, ended: 'the budget is spent' };
    }
    if (state.ended !== undefined) return undefined;
    const next = propose();
    if (next === undefined) return undefined;
    open = { id: steps.length + 1, ...next };
    return open;
  }

  function propose(): Omit<Proposal, 'id'> | undefined {
    if (steps.length === 0) {
      return { values: problem.start, source: 'start', reason: 'the configuration in force' };
    }
    const blind = blindOf(problem, steps);
    if (blind?.kind === 'end') {
      state = { ...state, ended: blind.reason };
      return undefined;
    }
    if (blind !== undefined)
      return { values: problem.start, source: 'rerun', reason: blind.reason };
    if (state.race !== undefined) return lapOf(state.race);
    const again = options.paired === true ? comparedAgain(steps) : undefined;
    if (again !== undefined) return again;
    if (steps.length === 1) {
      const metrics = steps[0]?.observation.metrics;
      state = { ...state, radius: firstRadius(problem.limits, metrics, state.radius) };
    }
    const known = know();
    const tired = tiredOf(known, state);
    const race = raceDue(known, state, tired !== undefined);
    if (race !== undefined) {
      state = { ...state, race };
      return { ...lapOf(race), predicted: predictionOf(known, state, race.challenger) };
    }
    const over = tired ?? pointless(known);
    if (over !== undefined) {
      state = { ...state, ended: over };
      return undefined;
    }
    const { quiet } = state;
    for (const view of views(known)) {
      // Two views are one look.
      const explored = explore(view, { ...state, quiet });
      state = explored.state;
      if (explored.next !== undefined) {
        return { ...explored.next, predicted: predictionOf(view, state, explored.next.values) };
      }
    }
    return settleOr(known, 'nothing that is likely to hold the limits is left within reach');
  }

  /** With memory, and where that leaves nothing to try as if there were none: it may never leave less. */
  function* views(known: Known): Generator<Known> {
    yield known;
    if (memory.sessions.length === 0) return;
    const cold: SessionFacts = { ...facts, memory: onlyBarriers(memory) };
    const { landscape } = learn(cold, { ...state, hyperparameters: {} }, known.trials);
    yield { ...known, facts: cold, landscape };
  }

  /** Races what there is before the session ends. */
  function settleOr(known: Known, ended: string): Omit<Proposal, 'id'> | undefined {
    const race = raceDue(known, state, true);
    state = race === undefined ? { ...state, ended } : { ...state, race };
    return race === undefined ? undefined : lapOf(race);
  }

  /** Why no further challenger could be adopted. A budget too small for any race is spent on learning. */
  function pointless({ steps: { length } }: Known): string | undefined {
    const left = options.budget - length;
    const races = options.paired !== true && options.budget >= LEAST_BUDGET;
    if (!races || left >= LEAST_LAPS + 1 || state.races.length === 0) return undefined;
    return `the ${left} evaluations left are too few for another comparison`;
  }

  function know(): Known {
    const trials = trialsOf(problem.limits, steps);
    const safe = safeValues(problem, trials);
    const learnt = learn(facts, state, trials);
    const { landscape } = learnt;
    const leader = leaderOf(landscape, trials, safe);
    state = led(learnt.state, landscape, leader);
    ({ dropped } = landscape);
    return { facts, steps, trials, safe, landscape, leader };
  }

  /** Where the search goes on: best by the critics among what was measured to be safe, with some doubt. */
  function leaderOf(
    landscape: Landscape,
    trials: readonly Trial[],
    safe: readonly Values[],
  ): Values {
    // Nothing held its limits: on from what broke them least.
    if (heldValues(problem, trials).length === 0) return safe.at(-1) ?? problem.start;
    let best = incumbentOf(state);
    let least = Infinity;
    for (const values of safe) {
      const outlook = landscape.outlook(values);
      if (outlook.safe < SAFE.cold && !sameEffect(space, values, incumbentOf(state))) continue;
      const doubtful = outlook.mean + DOUBT * outlook.sd;
      if (doubtful < least) {
        best = values;
        least = doubtful;
      }
    }
    return best;
  }

  /** The state after the critics named their leader: progress widens the steps, its lack narrows them. */
  function led(from: TunerState, landscape: Landscape, leader: Values): TunerState {
    const moved = !sameEffect(space, leader, from.leader);
    const means = from.milestones.map((values) => landscape.outlook(values).mean);
    const gained = Math.min(...means) - landscape.outlook(leader).mean;
    const trends = moved
      ? [...from.trends, waysBetween(space, from.leader, leader)].slice(-KEPT_TRENDS)
      : from.trends;
    if (moved && gained > PROGRESS) {
      const radius = Math.min(RADIUS.most, from.radius * REGION.grow);
      const milestones = [...from.milestones, leader];
      return { ...from, leader, milestones, trends, radius, failures: 0, sinceProgress: 0 };
    }
    const failures = from.failures + 1;
    const full = failures >= REGION.failures;
    const factor = full ? (isFlat(landscape, leader) ? REGION.grow : REGION.shrink) : 1;
    return {
      ...from,
      leader,
      trends,
      failures: full ? 0 : failures,
      radius: Math.min(RADIUS.most, Math.max(RADIUS.least, from.radius * factor)),
      sinceProgress: from.sinceProgress + 1,
    };
  }

  /** Whether the latest steps were safe and led to nothing worse either: then they were too short. */
  function isFlat(landscape: Landscape, leader: Values): boolean {
    const latest = steps.slice(-REGION.failures);
    const level = landscape.outlook(leader).mean + landscape.noise;
    return latest.every(
      ({ proposal, decision }) =>
        decision.verdict !== 'unsafe' && landscape.outlook(proposal.values).mean < level,
    );
  }

  function tell(id: number, told: Observation): Decision {
    if (open?.id !== id) throw new UnknownProposalError(id, open?.id);
    checkObservation(told);
    const trials = trialsOf(problem.limits, steps);
    const observation = withValue(told, trials, incumbentOf(state), sameAs);
    const { logRatios } = observation;
    const decided = decide(facts, trials, state, open, {
      ...observation,
      ...(logRatios && { logRatios: [...ratiosBefore(space, steps, open.values), ...logRatios] }),
    });
    steps.push({ proposal: open, observation, decision: decided.decision });
    state = decided.state;
    open = undefined;
    return decided.decision;
  }

  const sameAs = (one: Values, other: Values): boolean => sameValues(space, one, other);

  /** Which former sessions mislead, in words; a resumed session that did not ask yet looks it up. */
  function misleading(): string[] {
    if (memory.sessions.length === 0 || steps.length === 0) return [];
    dropped ??= learn(facts, state, trialsOf(problem.limits, steps)).landscape.dropped;
    return dropped.map(
      ({ similarity, reason }) =>
        `what the former session of similarity ${similarity.toFixed(2)} predicts is not used: ${reason}`,
    );
  }

  function result(): TuningResult {
    const best = incumbentOf(state);
    return {
      best,
      adopted: !sameValues(space, best, problem.start),
      explanation: explain(facts, state, steps, misleading()),
      ended:
        state.ended ??
        (steps.length >= options.budget ? 'the budget is spent' : 'it has not ended yet'),
    };
  }

  function experience(): Experience {
    const trials = trialsOf(problem.limits, steps);
    const best = incumbentOf(state);
    return remember(space, hash, options.experience, {
      context: problem.context,
      start: problem.start,
      trials,
      policy: state.policy,
      ...(sameValues(space, best, problem.start) ? {} : { adopted: best }),
      violators: trials.filter(({ unsafe }) => unsafe).map(({ values }) => values),
    });
  }

  const snapshot = (): TunerSnapshot => ({
    version: 1,
    space: hash,
    options,
    ...(open === undefined ? {} : { open }),
    steps: [...steps],
    state,
  });

  return { ask, tell, result, snapshot, experience };
}

/** A paired observation without a value gets the one that follows from its ratios and the incumbent's. */
function withValue(
  observation: Observation,
  trials: readonly Trial[],
  incumbent: Values,
  same: (one: Values, other: Values) => boolean,
): Observation {
  const { value, logRatios = [] } = observation;
  if (value !== undefined || logRatios.length === 0) return observation;
  const base = trials.findLast((trial) => same(trial.values, incumbent))?.value ?? 1;
  const mean = logRatios.reduce((sum, ratio) => sum + ratio, 0) / logRatios.length;
  return { ...observation, value: base * Math.exp(mean) };
}

function checkProblem(
  { space, start, prior, limits, context }: TuningProblem,
  options: TunerOptions,
): void {
  const problems: string[] = [];
  const { budget, seed } = options;
  if (!Number.isSafeInteger(budget) || budget < 1) {
    problems.push(`the budget is ${budget}, a whole number from 1 is needed`);
  }
  if (!Number.isSafeInteger(seed)) problems.push(`the seed is ${seed}, a whole number is needed`);
  for (const [name, values] of [
    ['start', start],
    ['prior', prior?.values ?? start],
  ] as const) {
    const checked = space.check(values);
    if (!checked.ok) {
      problems.push(`${name}: ${checked.violations.map(({ message }) => message).join(' ')}`);
    }
  }
  for (const { metric, max } of limits) {
    if (!Number.isFinite(max)) problems.push(`the limit of ${metric} is ${max}, not a number`);
  }
  for (const [name, value] of Object.entries(context)) {
    if (!Number.isFinite(value)) problems.push(`the context's ${name} is ${value}, not a number`);
  }
  if (problems.length > 0) throw new IllegalProblemError(problems.join('; '));
}
