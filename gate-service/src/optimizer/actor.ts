/**
 * The policy: per knob what is likely to be good, as a Gaussian on the unit interval or as
 * probabilities. It starts from the expert's values, as sure as the expert is, and moves by
 * advantage-weighted updates whose divergence is limited (relative entropy policy search, Peters,
 * Mülling & Altün 2010; advantage weighting, Peng et al. 2019).
 */
import type { Random } from '../statistics/random.ts';
import type { BoundSpace, Prior, Values } from './space/bound-space.ts';
import { toUnitInterval } from './space/unit-interval.ts';
import { isOrdered } from './encoding.ts';
import type { PolicyState } from './tuner.ts';

/** Spread of the policy along a knob for an expert that is sure (1) and one that is not (0). */
const SURE_SD = 0.05;
const UNSURE_SD = 0.25;
const LEAST_SD = 0.03;
/** Most that one update may move a knob's distribution, nats. */
export const KL_LIMIT = 0.15;
const TEMPERATURE = 0.5;

/** The expert's configuration as policy; without an expert, the start's. */
export function initialPolicy(space: BoundSpace, start: Values, prior?: Prior): PolicyState {
  const centre = prior?.values ?? start;
  const numeric: Record<string, { mean: number; sd: number }> = {};
  const categorical: Record<string, Record<string, number>> = {};
  for (const name of space.names) {
    const knob = space.knobs[name];
    const value = centre[name] ?? start[name];
    if (knob === undefined || value === undefined) continue;
    const confidence = Math.min(1, Math.max(0, prior?.confidence?.[name] ?? 0.5));
    if (isOrdered(knob)) {
      const sd = UNSURE_SD + (SURE_SD - UNSURE_SD) * confidence;
      numeric[name] = { mean: toUnitInterval(knob, value), sd };
    } else {
      categorical[name] = Object.fromEntries(
        choicesOf(space, name).map((choice, _, all) => {
          const rest = (1 - confidence) / all.length;
          return [choice, choice === String(value) ? confidence + rest : rest];
        }),
      );
    }
  }
  return { updates: 0, numeric, categorical };
}

/** What an update learns from: how much better than expected a configuration was; above 0 is better. */
export interface Advantage {
  readonly values: Values;
  readonly advantage: number;
}

/** One update towards what was better than expected, at most {@link KL_LIMIT} a knob. */
export function updatePolicy(
  space: BoundSpace,
  policy: PolicyState,
  batch: readonly Advantage[],
): PolicyState {
  if (batch.length === 0) return policy;
  const best = Math.max(...batch.map(({ advantage }) => advantage));
  const weights = batch.map(({ advantage }) => Math.exp((advantage - best) / TEMPERATURE));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const numeric = Object.fromEntries(
    Object.entries(policy.numeric).map(([name, old]) => {
      const places = batch.map(({ values }) => placeOf(space, name, values) ?? old.mean);
      const mean = weighted(places, weights, total);
      const variance = weighted(
        places.map((place) => (place - mean) ** 2),
        weights,
        total,
      );
      // A batch around one place says nothing of the spread: it may narrow by a tenth at most.
      const sd = Math.max(LEAST_SD, 0.9 * old.sd, Math.sqrt(variance));
      return [name, limited(old, { mean, sd })];
    }),
  );
  const categorical = Object.fromEntries(
    Object.entries(policy.categorical).map(([name, old]) => {
      const choices = Object.keys(old);
      const target = choices.map((choice) => {
        const seen = weighted(
          batch.map(({ values }) => (String(values[name]) === choice ? 1 : 0)),
          weights,
          total,
        );
        return 0.9 * seen + 0.1 / choices.length;
      });
      return [name, limitedChoice(old, choices, target)];
    }),
  );
  return { updates: policy.updates + 1, numeric, categorical };
}

/** A draw for one knob: a place on the unit interval, or a choice. */
export function drawFrom(policy: PolicyState, name: string, random: Random): number | string {
  const gaussian = policy.numeric[name];
  if (gaussian !== undefined) return gaussian.mean + gaussian.sd * drawNormal(random);
  let left = random.next();
  const choices = Object.entries(policy.categorical[name] ?? {});
  for (const [choice, probability] of choices) {
    left -= probability;
    if (left < 0) return choice;
  }
  return choices.at(-1)?.[0] ?? '';
}

/** Logarithm of the policy's density relative to its own highest, at most 0. */
export function logPreference(space: BoundSpace, policy: PolicyState, values: Values): number {
  return space.names.reduce((sum, name) => {
    const gaussian = policy.numeric[name];
    const place = placeOf(space, name, values);
    if (gaussian !== undefined && place !== undefined) {
      return sum - ((place - gaussian.mean) / gaussian.sd) ** 2 / 2;
    }
    const choices = policy.categorical[name];
    if (choices === undefined) return sum;
    const highest = Math.max(...Object.values(choices));
    return sum + Math.log((choices[String(values[name])] ?? 0) / highest + 1e-6);
  }, 0);
}

/** Standard normal (Box & Muller 1958). */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

export function choicesOf(space: BoundSpace, name: string): readonly string[] {
  const knob = space.knobs[name];
  if (knob?.kind === 'categorical') return knob.categories;
  return knob?.kind === 'boolean' ? ['false', 'true'] : [];
}

function placeOf(space: BoundSpace, name: string, values: Values): number | undefined {
  const [knob, value] = [space.knobs[name], values[name]];
  if (knob === undefined || value === undefined || !isOrdered(knob)) return undefined;
  return toUnitInterval(knob, value);
}

interface Gaussian {
  readonly mean: number;
  readonly sd: number;
}

/** As far from old to target as the divergence allows (bisection on the way). */
function limited(old: Gaussian, target: Gaussian): Gaussian {
  const at = (share: number): Gaussian => ({
    mean: old.mean + share * (target.mean - old.mean),
    sd: old.sd + share * (target.sd - old.sd),
  });
  return at(largestShare((share) => gaussianDivergence(at(share), old)));
}

function limitedChoice(
  old: Readonly<Record<string, number>>,
  choices: readonly string[],
  target: readonly number[],
): Record<string, number> {
  const at = (share: number): [string, number][] =>
    choices.map((choice, i) => [
      choice,
      (1 - share) * (old[choice] ?? 0) + share * (target[i] ?? 0),
    ]);
  const divergence = (share: number): number =>
    at(share).reduce(
      (sum, [choice, p]) =>
        p === 0 ? sum : sum + p * Math.log(p / Math.max(1e-9, old[choice] ?? 0)),
      0,
    );
  return Object.fromEntries(at(largestShare(divergence)));
}

function largestShare(divergence: (share: number) => number): number {
  if (divergence(1) <= KL_LIMIT) return 1;
  let [low, high] = [0, 1];
  for (let step = 0; step < 30; step += 1) {
    const middle = (low + high) / 2;
    if (divergence(middle) <= KL_LIMIT) low = middle;
    else high = middle;
  }
  return low;
}

/** KL(one ‖ other), nats. */
export function gaussianDivergence(one: Gaussian, other: Gaussian): number {
  return (
    Math.log(other.sd / one.sd) +
    (one.sd ** 2 + (one.mean - other.mean) ** 2) / (2 * other.sd ** 2) -
    0.5
  );
}

function weighted(values: readonly number[], weights: readonly number[], total: number): number {
  return values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0) / total;
}
