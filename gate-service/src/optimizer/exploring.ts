/**
 * Which challenger to measure next: the expert's and remembered configurations first, then small
 * steps there and back along a few knobs, then what the critics expect most of within the trust region.
 */
import { createRandom, drawInteger, shuffled } from '../statistics/random.ts';
import type { Random } from '../statistics/random.ts';
import { logPreference } from './actor.ts';
import { drawCandidates, moved, permitted } from './candidates.ts';
import type { Surroundings } from './candidates.ts';
import { changedKnobs, isOrdered, sameEffect, wayAlong } from './encoding.ts';
import { expectedImprovement } from './landscape.ts';
import type { Landscape } from './landscape.ts';
import { blame, distanceBetween, isBeyond } from './safety.ts';
import { heldValues } from './session-facts.ts';
import type { SessionFacts } from './session-facts.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Screening, TunerState } from './tuner-state.ts';
import type { Proposal, Step, Trial } from './tuner.ts';

export interface Explored {
  readonly next?: Omit<Proposal, 'id'>;
  readonly state: TunerState;
}

/** What is known when a challenger is looked for. */
export interface Known {
  readonly facts: SessionFacts;
  readonly steps: readonly Step[];
  readonly trials: readonly Trial[];
  readonly safe: readonly Values[];
  readonly landscape: Landscape;
  readonly leader: Values;
}

/**
 * P(all limits hold) that a challenger needs: cold, where former sessions know better, and for what
 * was adopted in one of those: it was measured to be safe again and again, which critics fitted to
 * another workload only blur.
 */
export const SAFE = { cold: 0.9, warm: 0.95, remembered: 0.5 } as const;
const MOST_KNOBS = 3;
const MOST_MEMORIES = 2;
const CANDIDATES = 200;
/** Ways along a knob below this are lost in the noise. */
const DISTINCT = 0.03;
/** Way of a screening step along each of its knobs, knobs a step, and steps there. */
const SCREENING = { way: 0.15, knobs: 2, groups: 5 } as const;
/** How fast the policy's say fades: its density counts to the power of this ÷ evaluations (πBO). */
const POLICY_WEIGHT = 0.7;
/** How much more the search for what holds the limits weighs than the policy's preference. */
const SEARCH_WEIGHT = 10;
/** Sure enough of an expert's knob to take it over at once. */
const SURE = 0.5;

export function explore(known: Known, state: TunerState): Explored {
  const { facts, steps, safe } = known;
  const random = createRandom(facts.options.seed, `ask ${steps.length + 1}`);
  const around: Surroundings = {
    space: facts.problem.space,
    safe,
    barriers: state.barriers,
    reach: {
      radius: Math.min(state.radius, state.retreat?.radius ?? Infinity),
      knobs: MOST_KNOBS,
    },
  };
  if (state.retreat === undefined) {
    const jump = expertOf(known, state) ?? rememberedOf(known, state);
    if (jump !== undefined) return { next: jump, state };
  }
  // Where nothing held its limits there is no safe place to look around from: only a way out.
  if (isLost(known)) return improve(known, state, around, random);
  const screened = screen(known, state, around, random);
  return screened.next === undefined ? improve(known, screened.state, around, random) : screened;
}

/** Probability that all limits hold: critics times what violators tell, own ones and remembered ones. */
export function probabilitySafe(known: Known, state: TunerState, values: Values): number {
  return known.landscape.outlook(values).safe * clearOfViolators(known, state, values);
}

/** Probability that a configuration does not break what violators broke. */
function clearOfViolators(known: Known, state: TunerState, values: Values): number {
  const { space } = known.facts.problem;
  const hints = known.facts.memory.hints.map(
    ({ barrier, weight }) => 1 - weight * blame(space, barrier, known.safe, values),
  );
  const own = state.barriers.map((barrier) => 1 - blame(space, barrier, known.safe, values));
  return [...own, ...hints].reduce((p, q) => p * q, 1);
}

/** Whether nothing measured held its limits, not even what is in force. */
function isLost({ facts, trials }: Known): boolean {
  return heldValues(facts.problem, trials).length === 0;
}

function expertOf(known: Known, state: TunerState): Explored['next'] {
  const { facts, steps } = known;
  const { space, prior, start } = facts.problem;
  if (prior === undefined || steps.some(({ proposal }) => proposal.source === 'expert')) {
    return undefined;
  }
  // Full steps where the expert is sure, half ones elsewhere; whole if the rules want that.
  const half = moved(
    space,
    start,
    Object.fromEntries(
      space.names.map((name) => {
        const ordered = isOrdered(space.knobs[name]);
        return [name, ordered ? wayAlong(space, name, start, prior.values) / 2 : 0];
      }),
    ),
  );
  const [values] = [{ ...half, ...surePart(prior.confidence, prior.values) }, prior.values]
    .map((one) => space.check(one))
    .flatMap((checked) => (checked.ok ? [checked.values] : []));
  if (values === undefined || sameEffect(space, values, start)) return undefined;
  if (state.barriers.some((barrier) => isBeyond(space, barrier, values))) return undefined;
  // Critics know nothing so far off; what broke limits on similar workloads is known.
  if (clearOfViolators(known, state, values) < SAFE.remembered) return undefined;
  return { values, source: 'expert', reason: prior.reason };
}

function surePart(
  confidence: Readonly<Record<string, number>> | undefined,
  values: Values,
): Values {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => (confidence?.[name] ?? SURE) >= SURE),
  );
}

function rememberedOf(known: Known, state: TunerState): Explored['next'] {
  const { facts, steps, trials, landscape } = known;
  const { space } = facts.problem;
  const tried = steps.filter(({ proposal }) => proposal.source === 'memory').length;
  if (tried >= MOST_MEMORIES) return undefined;
  const [best] = facts.memory.incumbents
    .filter((values) => !trials.some((trial) => sameEffect(space, trial.values, values)))
    .filter((values) => !state.barriers.some((barrier) => isBeyond(space, barrier, values)))
    .filter((values) => probabilitySafe(known, state, values) >= SAFE.remembered)
    .map((values) => ({ values, mean: landscape.outlook(values).mean }))
    .filter(({ mean }) => mean < landscape.outlook(known.leader).mean)
    .sort((one, other) => one.mean - other.mean);
  if (best === undefined) return undefined;
  return {
    values: best.values,
    source: 'memory',
    reason: 'it was adopted in a former session on a similar workload',
  };
}

/** About eight small steps, there and back: the sign of a slope costs less than its shape (SPSA, Spall 1992). */
function screen(known: Known, state: TunerState, around: Surroundings, random: Random): Explored {
  const { space } = around;
  if (known.facts.memory.incumbents.length > 0) return { state };
  let screening: Screening = state.screening ?? {
    groups: groupsOf(space, known.leader, random),
    at: 0,
  };
  for (;;) {
    const ways = screening.groups[screening.at];
    if (ways === undefined) return { state: { ...state, screening } };
    const { groups, at, from } = screening;
    const back = from !== undefined;
    const centre = from ?? known.leader;
    screening = back ? { groups, at: at + 1 } : { groups, at, from: centre };
    for (const factor of back ? [-1, -0.5] : [1, 0.5]) {
      const stepped = Object.fromEntries(
        Object.entries(ways).map(([name, way]) => [name, factor * way]),
      );
      const values = permitted(around, moved(space, centre, stepped));
      if (values === undefined || !isNews(known, state, values)) continue;
      if (probabilitySafe(known, state, values) < SAFE.cold) continue;
      const names = Object.keys(ways).join(', ');
      return {
        next: {
          values,
          source: 'policy',
          reason:
            `a small step ${back ? 'the other way' : ''} along ${names}, to learn what they do`.replace(
              '  ',
              ' ',
            ),
        },
        state: { ...state, screening },
      };
    }
  }
}

function groupsOf(space: BoundSpace, at: Values, random: Random): Record<string, number>[] {
  const active = shuffled(
    space.names.filter((name) => space.isActive(name, at)),
    random,
  );
  const count = Math.min(SCREENING.groups, Math.ceil(active.length / SCREENING.knobs));
  return Array.from({ length: count }, (_, group) =>
    Object.fromEntries(
      active
        .slice(group * SCREENING.knobs, (group + 1) * SCREENING.knobs)
        .map((name) => [name, (drawInteger(random, 2) === 0 ? -1 : 1) * SCREENING.way]),
    ),
  );
}

/** The candidate with the largest expected improvement, weighed by the policy. */
function improve(known: Known, state: TunerState, around: Surroundings, random: Random): Explored {
  const { facts, steps, landscape, leader } = known;
  const { space } = around;
  const lost = isLost(known);
  const least = lost ? 0 : facts.memory.incumbents.length > 0 ? SAFE.warm : SAFE.cold;
  const target = landscape.outlook(leader).mean;
  const say = POLICY_WEIGHT / Math.max(1, steps.length);
  let best: { values: Values; score: number } | undefined;
  let promise = 0;
  for (let shrink = 1; shrink > 0.1 && best === undefined; shrink /= 2) {
    const candidates = drawCandidates(
      { ...around, reach: { ...around.reach, radius: around.reach.radius * shrink } },
      leader,
      {
        policy: state.policy,
        trends: state.trends,
        count: CANDIDATES,
        mostKnobs: MOST_KNOBS,
        random,
      },
    );
    for (const values of candidates) {
      if (!isNews(known, state, values)) continue;
      const safe = probabilitySafe(known, state, values);
      if (safe < least) continue;
      const outlook = landscape.outlook(values);
      promise = Math.max(promise, target - outlook.mean + 1.645 * outlook.sd);
      const gain = Math.log(expectedImprovement(outlook, target) + 1e-12);
      // Lost, what is likeliest to hold the limits is worth most (Gelbart, Snoek & Adams 2014).
      const worth = lost ? SEARCH_WEIGHT * Math.log(safe + 1e-12) : gain;
      const score = worth + say * logPreference(space, state.policy, values);
      if (best === undefined || score > best.score) best = { values, score };
    }
  }
  const quiet = !lost && promise < landscape.noise ? state.quiet + 1 : 0;
  if (best === undefined) {
    if (state.retreat === undefined) return { state: { ...state, quiet } };
    const reason = 'back to the best safe configuration after an unsafe one';
    return { next: { values: leader, source: 'rerun', reason }, state: { ...state, quiet } };
  }
  return {
    next: {
      values: best.values,
      source: 'critic',
      reason: lost
        ? 'nothing measured holds the limits yet: the critics see in it the likeliest way there'
        : 'the critics expect most of it among what is within reach and likely to hold the limits',
    },
    state: { ...state, quiet },
  };
}

/** Not measured yet, and after an unsafe evaluation nearer to what is safe than that was. */
function isNews({ facts, trials, safe }: Known, { retreat }: TunerState, values: Values): boolean {
  const { space } = facts.problem;
  if (trials.some((trial) => isNextTo(space, trial.values, values))) return false;
  if (retreat === undefined) return true;
  return safe.some((one) => distanceBetween(space, one, values) < retreat.distance);
}

/** So near that an evaluation would only repeat the other; a whole step of a whole number is never that. */
function isNextTo(space: BoundSpace, one: Values, other: Values): boolean {
  const changed = changedKnobs(space, one, other);
  return changed.every((name) => {
    const knob = space.knobs[name];
    if (knob?.kind === 'integer' && knob.scale === 'linear') return false;
    return Math.abs(wayAlong(space, name, one, other)) < DISTINCT;
  });
}
