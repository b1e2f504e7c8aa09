/**
 * Cliffs that no critic foretells: a metric that is far below its limit says little of what comes after
 * the next step. They are met along the way, at a rate that is learnt as the session goes (Gamma prior,
 * Poisson process), so that a probability of 1 is never told where hardly anything was tried.
 */
import { distanceBetween } from './safety.ts';
import { heldValues } from './session-facts.ts';
import type { Limits } from './session-facts.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Trial } from './tuner.ts';

/**
 * Believed before anything is tried: as if one cliff had been met on a way of 5, the sum of ways along
 * knobs on their unit intervals. The most likely one over 955 steps on simulated stacks: of what critics
 * and violators told to be safe with 0.9, 0.95 and 0.995, 0.91, 0.90 and 0.91 was; with this told 0.87,
 * 0.93 and 0.96, 0.90, 0.88 and 0.95 was.
 */
const BELIEVED = { cliffs: 1, way: 5 } as const;

/** What a session has seen of its surroundings. */
export interface Travelled {
  /** Sum of the ways from one configuration that held its limits to the next. */
  readonly way: number;
  /** Evaluations that broke a limit. */
  readonly cliffs: number;
}

export function travelled(problem: Limits, trials: readonly Trial[]): Travelled {
  const held = heldValues(problem, trials);
  const ways = held
    .slice(1)
    .map((values, index) => wayFrom(problem.space, held.slice(0, index + 1), values));
  return {
    way: ways.reduce((sum, way) => sum + way, 0),
    cliffs: trials.filter(({ unsafe }) => unsafe).length,
  };
}

/** Way to the nearest configuration that held its limits; 0 without any. */
export function wayFrom(space: BoundSpace, held: readonly Values[], values: Values): number {
  const ways = held.map((from) => distanceBetween(space, from, values));
  return ways.length === 0 ? 0 : Math.min(...ways);
}

/** 0–1: probability that no cliff lies on a way beyond what was travelled. */
export function withoutCliff(way: number, before: Travelled): number {
  const known = BELIEVED.way + before.way;
  return (known / (known + way)) ** (BELIEVED.cliffs + before.cliffs);
}
