/** When the judge looks, and how sure it must be at each look (measuring.md §5, §6). */
import { calibratedLevels } from '../statistics/calibration.ts';
import { defaultFitnessLimits } from './fitness.ts';
import type { Judgement } from './judgement.ts';

/** Fewer windows than this decide nothing. */
export const MINIMUM_WINDOWS = 6;
/** Of the planned windows so many must count in the end. */
export const LEAST_SHARE_COUNTED = 0.7;
/** Chance over all looks that a threshold whose true effect is at its limit is met. */
export const PASS_ERROR = 0.05;
/** Chance over all looks and thresholds that a breach is called without one. */
export const BREACH_ERROR = 0.025;

const FRACTIONS = [1 / 3, 1 / 2, 2 / 3, 5 / 6, 1];

/** Numbers of counted windows at which the judge looks, ascending; the last is `planned`. */
export function lookSchedule(planned: number): number[] {
  const looks = FRACTIONS.map((fraction) => Math.ceil(planned * fraction - 1e-9));
  return [...new Set(looks)].filter((count) => count >= MINIMUM_WINDOWS);
}

/** The number of counted windows at which to look next; `undefined` after the last look. */
export function nextLook(countedWindows: number, planned: number): number | undefined {
  return lookSchedule(planned).find((count) => count > countedWindows);
}

/** One-sided levels at a look. */
export interface LookLevels {
  readonly pass: number;
  readonly breach: number;
  /** The last look: nothing more will come. */
  readonly final: boolean;
}

/**
 * @param counted windows that count at this look
 * @param final true when no more windows will come (implied when `counted` reaches `planned`)
 */
export function levelsAt(counted: number, planned: number, final: boolean): LookLevels {
  const last = final || counted >= planned;
  const reference = Math.max(planned, counted);
  const before = lookSchedule(planned).filter((count) => count < counted);
  const fractions = [...before, counted].map((count) => count / reference);
  const level = (alpha: number): number =>
    calibratedLevels(fractions, planned, alpha, last).at(-1) ?? alpha;
  return { pass: level(PASS_ERROR), breach: level(BREACH_ERROR), final: last };
}

/**
 * Whether the measurement can end at this look: everything is met, or a breach is proven. Controls
 * do not stop it: they are judged on all that was gathered. With too many spoilt windows so far it
 * goes on, because ending now would make it invalid and later windows may still save it.
 */
export function shouldStop(judgement: Judgement): boolean {
  const { outcomes, windows } = judgement;
  if (outcomes.length === 0) return false;
  if (windows.dropped > defaultFitnessLimits.droppedShare * (windows.counted + windows.dropped)) {
    return false;
  }
  return (
    outcomes.some(({ outcome }) => outcome === 'breached') ||
    outcomes.every(({ outcome }) => outcome === 'met')
  );
}
