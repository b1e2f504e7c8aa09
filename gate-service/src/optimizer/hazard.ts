/**
 * Cliffs that no critic foretells: a metric that is far below its limit says little of what comes after
 * the next step. They are met along the way, at a rate that is learnt as the sessions go (Gamma prior,
 * Poisson process), so that a probability of 1 is never told where hardly anything was tried.
 */
import { changedKnobs, isOrdered, wayAlong } from './encoding.ts';
import { heldValues } from './session-facts.ts';
import type { Limits, SessionFacts } from './session-facts.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Step, Trial } from './tuner.ts';

/**
 * Believed before anything is tried: as if one cliff had been met on a way of 5, the sum of ways along
 * knobs on their unit intervals. The most likely one over 955 steps on simulated stacks: of what critics
 * and violators told to be safe with 0.9, 0.95 and 0.995, 0.91, 0.90 and 0.91 was; with this told 0.87,
 * 0.93 and 0.96, 0.90, 0.88 and 0.95 was. Counted before SWITCHED was a tenth.
 */
const BELIEVED = { cliffs: 1, way: 5 } as const;

/** What a knob without an order counts for, changed at all: as much as a short step along another one. */
const SWITCHED = 0.1;

/** What a session has seen of its surroundings. */
export interface Travelled {
  /** Sum of the ways from one configuration that held its limits to the next. */
  readonly way: number;
  /** Evaluations that broke a limit. */
  readonly cliffs: number;
  readonly evaluations: number;
}

/** Share of evaluations that may break a limit where there is experience, and after how many it is believed. */
const ACCEPTED = { share: 0.02, evaluations: 50 } as const;
/** What breaks limits counts as bad as a value this much higher (logarithm) at the accepted share. */
const UNSAFE_LOSS = 0.5;

export function travelled(problem: Limits, trials: readonly Trial[]): Travelled {
  const former = seenBefore.get(trials);
  if (former !== undefined) return former;
  const held = heldValues(problem, trials);
  const ways = held
    .slice(1)
    .map((values, index) => wayFrom(problem.space, held.slice(0, index + 1), values));
  const seen = {
    way: ways.reduce((sum, way) => sum + way, 0),
    cliffs: trials.filter(({ unsafe }) => unsafe).length,
    evaluations: trials.length,
  };
  seenBefore.set(trials, seen);
  return seen;
}

/** Asked for hundreds of candidates at a time, of the same evaluations under the same limits. */
const seenBefore = new WeakMap<readonly Trial[], Travelled>();

/** The same with what former sessions have seen, which counts by similarity of workload. */
export function travelledAltogether(
  { problem, memory }: SessionFacts,
  trials: readonly Trial[],
): Travelled {
  return memory.sessions.reduce(
    (sum, { session, similarity }) => {
      const former = travelled(problem, session.trials);
      return {
        way: sum.way + similarity * former.way,
        cliffs: sum.cliffs + similarity * former.cliffs,
        evaluations: sum.evaluations + similarity * former.evaluations,
      };
    },
    travelled(problem, trials),
  );
}

/**
 * What an unsafe evaluation counts for against an expected improvement of the logarithm: more, in proportion,
 * the larger the share of such evaluations so far, as a multiplier of a constrained bandit grows while its
 * constraint is broken (primal-dual, Efroni, Mannor & Pirotta 2020).
 */
export function lossByUnsafe({ cliffs, evaluations }: Travelled): number {
  const believed = ACCEPTED.share * ACCEPTED.evaluations;
  const share = (cliffs + believed) / (evaluations + ACCEPTED.evaluations);
  return UNSAFE_LOSS * (share / ACCEPTED.share);
}

/**
 * Chance to break a limit that a session has saved: each evaluation earns the accepted share, each step costs
 * what was told of it, and all of them at least what broke. What former sessions broke beyond their share,
 * by similarity of workload, is saved first (a budget for the whole instead of a limit for each step, as in
 * bandits with knapsacks, Badanidiyuru, Kleinberg & Slivkins 2013).
 * @returns below 0 where more was spent than saved
 */
export function spareRisk(
  facts: SessionFacts,
  steps: readonly Step[],
  trials: readonly Trial[],
): number {
  const own = travelled(facts.problem, trials);
  const altogether = travelledAltogether(facts, trials);
  const told = steps
    .filter(({ proposal }) => proposal.source === 'policy' || proposal.source === 'critic')
    .reduce((sum, { proposal }) => sum + 1 - (proposal.predicted?.safe ?? 1), 0);
  const former = {
    cliffs: altogether.cliffs - own.cliffs,
    evaluations: altogether.evaluations - own.evaluations,
  };
  const owed = Math.max(0, former.cliffs - ACCEPTED.share * former.evaluations);
  return ACCEPTED.share * own.evaluations - Math.max(told, own.cliffs) - owed;
}

/** Way to the nearest configuration that held its limits; 0 without any. */
export function wayFrom(space: BoundSpace, held: readonly Values[], values: Values): number {
  const ways = held.map((from) =>
    changedKnobs(space, from, values)
      .map((name) => wayOf(space, name, from, values))
      .reduce((sum, way) => sum + way, 0),
  );
  return ways.length === 0 ? 0 : Math.min(...ways);
}

function wayOf(space: BoundSpace, name: string, from: Values, to: Values): number {
  return isOrdered(space.knobs[name]) ? Math.abs(wayAlong(space, name, from, to)) : SWITCHED;
}

/** 0–1: probability that no cliff lies on a way beyond what was travelled. */
export function withoutCliff(way: number, before: Pick<Travelled, 'way' | 'cliffs'>): number {
  const known = BELIEVED.way + before.way;
  return (known / (known + way)) ** (BELIEVED.cliffs + before.cliffs);
}
