/**
 * Which challenger to measure next: the expert's and remembered configurations first, then small
 * steps there and back along a few knobs, then what the critics expect most of within the trust region.
 */
import { createRandom } from '../statistics/random.ts';
import type { Random } from '../statistics/random.ts';
import { logPreference } from './actor.ts';
import { drawCandidates, moved, permitted } from './candidates.ts';
import type { Surroundings } from './candidates.ts';
import { isOrdered, sameEffect, wayAlong } from './encoding.ts';
import { lossByUnsafe, spareRisk, travelledAltogether, wayFrom, withoutCliff } from './hazard.ts';
import { expectedImprovement } from './landscape.ts';
import type { Landscape } from './landscape.ts';
import { blame, distanceBetween, isBeyond } from './safety.ts';
import { heldValues } from './session-facts.ts';
import type { SessionFacts } from './session-facts.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import { nextScreening, planScreening, scaled } from './screening.ts';
import { withoutRetreat } from './tuner-state.ts';
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
 * P(all limits hold) that a challenger needs: by critics and violators where nothing is known beforehand,
 * with unforeseen cliffs where former sessions found something, and for what was adopted in one of those:
 * it was measured to be safe again and again, which critics fitted to another workload only blur.
 */
export const SAFE = { cold: 0.9, warm: 0.9, hinted: 0.75, remembered: 0.5 } as const;
const MOST_KNOBS = 3;
const MOST_MEMORIES = 2;
const CANDIDATES = 200;
/** Ways along a knob below this are lost in the noise. */
const DISTINCT = 0.03;
/** Gains below this are not worth an evaluation, however small the noise; on the scale of comparison. */
export const WORTHWHILE = 0.03;
/** How fast the policy's say fades: its density counts to the power of this ÷ evaluations (πBO). */
const POLICY_WEIGHT = 0.7;
/** How much more the search for what holds the limits weighs than the policy's preference. */
const SEARCH_WEIGHT = 10;
/** Sure enough of an expert's knob to take it over at once. */
const SURE = 0.5;

export function explore(known: Known, state: TunerState): Explored {
  const { facts, steps, safe } = known;
  const random = createRandom(facts.options.seed, `ask ${steps.length + 1}`);
  if (state.retreat === undefined) {
    const jump = expertOf(known, state) ?? rememberedOf(known, state);
    if (jump !== undefined) return { next: jump, state };
  }
  const around: Surroundings = {
    space: facts.problem.space,
    safe,
    barriers: state.barriers,
    reach: { radius: Math.min(state.radius, state.retreat?.radius ?? Infinity), knobs: MOST_KNOBS },
  };
  // Where nothing held its limits there is no safe place to look around from: only a way out.
  if (isLost(known)) return improve(known, state, around, random);
  const screened = screen(known, state, around, random);
  return screened.next === undefined ? improve(known, screened.state, around, random) : screened;
}

/** Probability that all limits hold: critics times what violators tell, own ones and remembered ones. */
export function probabilitySafe(known: Known, state: TunerState, values: Values): number {
  return knownSafe(known, state, values) * clearOfHints(known, values);
}

/** The same with cliffs that neither critics nor violators foretell: what is told of a proposal. */
export function probabilityToHold(known: Known, state: TunerState, values: Values): number {
  const { facts, safe, trials } = known;
  const way = wayFrom(facts.problem.space, safe, values);
  const surprise = withoutCliff(way, travelledAltogether(facts, trials));
  return probabilitySafe(known, state, values) * surprise;
}

/** The same by what was measured on this workload and by critics. */
function knownSafe({ facts, landscape, safe }: Known, state: TunerState, values: Values): number {
  return landscape.outlook(values).safe * clearOfBarriers({ facts, safe }, state, values);
}

/** Probability that a configuration does not break what violators broke on this workload. */
function clearOfBarriers(
  { facts, safe }: Pick<Known, 'facts' | 'safe'>,
  { barriers }: TunerState,
  values: Values,
): number {
  return barriers
    .map((barrier) => 1 - blame(facts.problem.space, barrier, safe, values))
    .reduce((p, q) => p * q, 1);
}

/** Probability that a configuration does not break what violators broke on similar workloads. */
function clearOfHints({ facts, safe }: Known, values: Values): number {
  return facts.memory.hints
    .map(({ barrier, weight }) => 1 - weight * blame(facts.problem.space, barrier, safe, values))
    .reduce((p, q) => p * q, 1);
}

/**
 * Whether a configuration is safe enough for a step. Without experience what broke limits on other
 * workloads warns on its own account: together with the critics' doubt a few such warnings would forbid
 * every step that matters. With it the probability that is told counts, whole.
 */
function mayStep(known: Known, state: TunerState, values: Values): boolean {
  if (isWarm(known)) return probabilityToHold(known, state, values) >= SAFE.warm;
  return clearOfHints(known, values) >= SAFE.hinted && knownSafe(known, state, values) >= SAFE.cold;
}

/**
 * Whether what a step promises outweighs its risk. Once a former session found something, the large gains are
 * known and what is left is small: without this a session wanders along knobs that change nothing until one
 * of them ends at its cliff. What was not spent of the accepted risk pays for a step that is not worth it by
 * itself: else a session that is careful long enough never leaves its neighbourhood. Before, a step may be worth
 * anything.
 */
function isWorthRisk(known: Known, state: TunerState, values: Values): boolean {
  const { facts, landscape, leader, steps, trials } = known;
  if (!facts.memory.gainsKnown) return true;
  const gain = expectedImprovement(landscape.outlook(values), landscape.outlook(leader).mean);
  const risk = 1 - probabilityToHold(known, state, values);
  if (gain >= lossByUnsafe(travelledAltogether(facts, trials)) * risk) return true;
  return risk <= spareRisk(facts, steps, trials);
}

/** Whether former sessions found something other than what is in force: the search goes on from there, in short and sure steps. */
function isWarm({ facts }: Known): boolean {
  return facts.memory.incumbents.length > 0;
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
  // Critics know nothing so far off; what broke limits here and on similar workloads is known.
  const clear = clearOfBarriers(known, state, values) * clearOfHints(known, values);
  if (clear < SAFE.remembered) return undefined;
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

/** The next screening step that may be taken, if any is left. */
function screen(known: Known, state: TunerState, around: Surroundings, random: Random): Explored {
  if (known.facts.memory.gainsKnown) return { state };
  let screening: Screening =
    state.screening ?? planScreening(around.space, known.leader, state.radius, random);
  for (;;) {
    const step = nextScreening(screening, known.leader);
    if (step === undefined) return { state: { ...state, screening } };
    screening = step.then;
    for (const share of [1, 0.5]) {
      const values = permitted(around, moved(around.space, step.from, scaled(step.ways, share)));
      if (values === undefined || !isNews(known, state, values)) continue;
      if (!mayStep(known, state, values)) continue;
      return {
        next: { values, source: 'policy', reason: step.reason },
        state: { ...state, screening },
      };
    }
  }
}

/** The candidate with the largest expected improvement, weighed by the policy. */
function improve(known: Known, state: TunerState, around: Surroundings, random: Random): Explored {
  const { facts, steps, landscape, leader } = known;
  const { space } = around;
  const lost = isLost(known);
  const target = landscape.outlook(leader).mean;
  const say = POLICY_WEIGHT / Math.max(1, steps.length);
  let best: { readonly values: Values } | undefined;
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
    const scored = candidates
      .filter((values) => isNews(known, state, values))
      .map((values) => {
        const outlook = landscape.outlook(values);
        const gain = Math.log(expectedImprovement(outlook, target) + 1e-12);
        // Lost, what is likeliest to hold the limits is worth most (Gelbart, Snoek & Adams 2014).
        const worth = lost
          ? SEARCH_WEIGHT * Math.log(probabilitySafe(known, state, values) + 1e-12)
          : gain;
        return {
          values,
          promise: target - outlook.mean + 1.645 * outlook.sd,
          score: worth + say * logPreference(space, state.policy, values),
        };
      });
    // Best first: most are never asked for their safety, which costs more than all else.
    const isAllowed = ({ values }: { readonly values: Values }): boolean =>
      lost || (mayStep(known, state, values) && isWorthRisk(known, state, values));
    best = scored.sort((one, other) => other.score - one.score).find(isAllowed);
    const most = scored.sort((one, other) => other.promise - one.promise).find(isAllowed);
    promise = Math.max(promise, most?.promise ?? 0);
  }
  const quiet = !lost && promise < Math.min(landscape.noise, WORTHWHILE) ? state.quiet + 1 : 0;
  if (best === undefined) {
    if (state.retreat === undefined) return { state: { ...state, quiet } };
    if (facts.options.paired === true) {
      // Compared with itself it tells nothing: on with short steps instead.
      return improve(known, { ...withoutRetreat(state), quiet }, around, random);
    }
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
  return space.names.every((name) => {
    if (one[name] === other[name]) return true;
    const knob = space.knobs[name];
    const whole = knob?.kind === 'integer' && knob.scale === 'linear';
    if (!whole && Math.abs(wayAlong(space, name, one, other)) < DISTINCT) return true;
    return !space.isActive(name, one) && !space.isActive(name, other);
  });
}
