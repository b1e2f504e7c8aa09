/** When the leading challenger is raced against the incumbent, and what its laps decide. */
import { sameEffect } from './encoding.ts';
import { probabilitySafe } from './exploring.ts';
import type { Known } from './exploring.ts';
import { LEAST_COMPARISONS } from './adoption.ts';
import { isBroken } from './feasibility.ts';
import { asChange, valueScale } from './measures.ts';
import {
  addPools,
  errorOf,
  EMPTY_POOL,
  lapsPlanned,
  LEAST_LAPS,
  nextLane,
  noiseOf,
  racesIn,
  raceResult,
} from './racing.ts';
import type { Lane, Lap, RaceResult } from './racing.ts';
import { heldValues } from './session-facts.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import { incumbentOf } from './tuner-state.ts';
import type { Race, TunerState } from './tuner-state.ts';
import type { Decision, Proposal } from './tuner.ts';

/** Evaluations without progress after which a session stops to try others: of a budget, and at least. */
const PATIENCE = { share: 2 / 3, least: 8 } as const;
/** Asks in a row at which nothing promises a gain that is worth an evaluation. */
const QUIET = 3;

/** How sure a gain must be: this many standard deviations count against it; what is left of it at least. */
const DOUBT = 0.3;
const LEAST_DOUBTED = 0.1;

/** Evaluations kept for another race where a lap may break a limit: the first laps, or a whole race. */
const SPARE = { small: 2, whole: LEAST_LAPS, wholeFrom: 30 } as const;

/**
 * Chance that a challenger replaces an equal one that was adopted in the same session, whose gain is not shown
 * by itself: both are shown to be better than what the session began with, and the better of them is wanted.
 */
const LEAN_ERROR = 0.2;

/** P(all limits hold) from which no lap of a race is expected to break one. */
const SURE_SAFE = 0.99;

/** Evaluations are never taken to be surer than this, on the scale of comparison. */
const LEAST_NOISE = 0.06;

/** Why exploring should end now, or undefined. */
export function tiredOf(known: Known, state: TunerState): string | undefined {
  const { budget } = known.facts.options;
  const patience = Math.max(PATIENCE.least, Math.ceil(budget * PATIENCE.share));
  if (state.quiet >= QUIET) {
    return 'nothing within reach promises a gain that is worth an evaluation';
  }
  if (state.sinceProgress >= patience) {
    return `${state.sinceProgress} evaluations brought nothing better`;
  }
  return undefined;
}

/** The race that is due, or undefined. A session that is tired settles what it has. */
export function raceDue(known: Known, state: TunerState, tired: boolean): Race | undefined {
  const { problem, options } = known.facts;
  const left = options.budget - known.steps.length;
  const incumbent = incumbentOf(state);
  if (options.paired === true || left < LEAST_LAPS) return undefined;
  if (state.races.length >= racesIn(options.budget)) return undefined;
  if (isBroken(problem, known.trials, state)) {
    // Nothing is worse than to stay there: what was seen to hold the limits is compared at once.
    const way = wayOut(known, incumbent);
    return way && { challenger: way, incumbent, planned: LEAST_LAPS, laps: [] };
  }
  const challenger = contender(known, state);
  if (challenger === undefined) return undefined;
  const { landscape } = known;
  const gain = landscape.outlook(incumbent).mean - landscape.outlook(challenger).mean;
  const planned = lapsPlanned(options.budget, gain / Math.max(LEAST_NOISE, landscape.noise));
  // Room for another race where a lap may break a limit, which ends this one.
  const sure = probabilitySafe(known, state, challenger) >= SURE_SAFE;
  const spare = sure ? 0 : options.budget < SPARE.wholeFrom ? SPARE.small : SPARE.whole;
  if (left > planned + spare && !tired) return undefined;
  const most = left % 2 === 0 ? left - 1 : left;
  return {
    challenger,
    incumbent,
    planned: Math.min(spare < LEAST_LAPS ? planned + spare : planned, most),
    laps: [],
  };
}

/** Best by the critics among what was measured to hold the limits. */
function wayOut({ facts, trials, landscape }: Known, incumbent: Values): Values | undefined {
  const { space } = facts.problem;
  const [best] = heldValues(facts.problem, trials)
    .filter((values) => !sameEffect(space, values, incumbent))
    .map((values) => ({ values, mean: landscape.outlook(values).mean }))
    .sort((one, other) => one.mean - other.mean);
  return best?.values;
}

/**
 * What is worth a race: the expected gain, with some doubt, times the chance that no lap breaks a
 * limit, which would end it. `undefined` when nothing measured is expected to be better.
 */
function contender(known: Known, state: TunerState): Values | undefined {
  const { facts, landscape, safe } = known;
  const incumbent = incumbentOf(state);
  const base = landscape.outlook(incumbent).mean;
  let best: Values | undefined;
  let most = 0;
  for (const values of safe) {
    if (sameEffect(facts.problem.space, values, incumbent)) continue;
    const { mean, sd } = landscape.outlook(values);
    if (!(mean < base)) continue;
    // Doubt never makes a gain vanish: where little is left, the best is raced anyhow.
    const gain = Math.max(base - mean - DOUBT * sd, LEAST_DOUBTED * (base - mean));
    const worth = gain * probabilitySafe(known, state, values) ** LEAST_COMPARISONS;
    if (worth > most) [best, most] = [values, worth];
  }
  return best;
}

/** The configuration whose turn it is. */
export function lapOf({ challenger, incumbent, laps, planned }: Race): Omit<Proposal, 'id'> {
  const lap = `lap ${laps.length + 1} of ${planned}`;
  return nextLane(laps.length) === 'challenger'
    ? {
        values: challenger,
        source: 'rerun',
        reason: `the best challenger so far, measured in turns with the configuration in force (${lap})`,
      }
    : {
        values: incumbent,
        source: 'rerun',
        reason: `the configuration in force, measured in turns with the challenger against drift (${lap})`,
      };
}

type Effect = NonNullable<Decision['effect']>;

export interface Settled {
  readonly adopted: boolean;
  /** Against the incumbent of the race. */
  readonly effect?: Effect;
  /** Against what the session began with, where the adoption rests on that. */
  readonly whole?: Effect;
}

/** What a finished race shows. */
export function settle(
  space: BoundSpace,
  race: Race,
  before: readonly Race[],
  budget: number,
): Settled {
  const scale = valueScale([...before, race].flatMap(valued).map(({ value }) => value));
  const lapsOf = (one: Race): Lap[] =>
    valued(one).map(({ lane, value }) => ({ lane, y: scale.of(value) }));
  // Adoption looks at one side: half of what is outside of the interval.
  const confidence = 1 - 2 * errorOf(budget);
  const compare = (chain: readonly Race[], sure: number): RaceResult | undefined => {
    const pool = [...before, race]
      .filter((one) => !chain.includes(one))
      .map((one) => noiseOf(lapsOf(one)));
    return raceResult(chain.map(lapsOf), pool.reduce(addPools, EMPTY_POOL), sure);
  };
  const effectOf = ({ estimate, low, high, comparisons }: RaceResult): Effect => ({
    change: asChange(scale, estimate),
    low: asChange(scale, low),
    high: asChange(scale, high),
    confidence,
    comparisons,
    ...(scale.reference === undefined ? {} : { reference: scale.reference }),
  });
  const result = compare([race], confidence);
  if (result === undefined) return { adopted: false };
  const effect = effectOf(result);
  if (result.high < 0) return { adopted: true, effect };
  const chain = chainTo(space, race, before);
  // Back where the session began there is nothing that it could be better than.
  const leadsOn = !sameEffect(space, chain[0]?.incumbent ?? race.incumbent, race.challenger);
  const whole = chain.length > 1 && leadsOn ? compare(chain, confidence) : undefined;
  const leans = (compare([race], 1 - 2 * LEAN_ERROR)?.high ?? 0) < 0;
  if (whole === undefined || !(whole.high < 0) || !leans) return { adopted: false, effect };
  return { adopted: true, effect, whole: effectOf(whole) };
}

/** The races that led from what the session began with to the challenger of this one, this one last. */
function chainTo(space: BoundSpace, race: Race, before: readonly Race[]): readonly Race[] {
  const at = before.findLastIndex((one) => sameEffect(space, one.challenger, race.incumbent));
  const former = before[at];
  return former === undefined ? [race] : [...chainTo(space, former, before.slice(0, at)), race];
}

function valued({ laps }: Race): { lane: Lane; value: number }[] {
  return laps.flatMap(({ lane, value }) => (value === undefined ? [] : [{ lane, value }]));
}
