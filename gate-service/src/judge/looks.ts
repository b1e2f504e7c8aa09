/** When the judge looks, and how sure it must be at each look (measuring.md §5, §6). */
import { calibratedLevels, type SequentialLevels } from '../statistics/calibration.ts';
import { lookSchedule, MINIMUM_WINDOWS } from '../statistics/look-schedule.ts';
import { defaultFitnessLimits } from './fitness.ts';
import type { Judgement } from './judgement.ts';

export { lookSchedule, MINIMUM_WINDOWS };

/** Of the planned windows so many must count in the end. */
export const LEAST_SHARE_COUNTED = 0.7;

/** The number of counted windows at which to look next; `undefined` after the last look. */
export function nextLook(countedWindows: number, planned: number): number | undefined {
  return lookSchedule(planned).find((count) => count > countedWindows);
}

/** One-sided levels at a look. */
export interface LookLevels extends SequentialLevels {
  /** The last look: nothing more will come. */
  readonly final: boolean;
}

/**
 * @param counted windows that count at this look
 * @param final true when no more windows will come (implied when `counted` reaches `planned`)
 */
export function levelsAt(counted: number, planned: number, final: boolean): LookLevels {
  const last = final || counted >= planned;
  return { ...calibratedLevels(counted, planned, last), final: last };
}

/**
 * Whether the measurement can end at this look: everything is met, or a breach is proven. It goes on
 * where ending now would make it invalid and later windows may still save it: with too many spoilt
 * windows so far, or a baseline that is still too noisy against itself. Neither looks at the effect.
 */
export function shouldStop(judgement: Judgement): boolean {
  const { controls, outcomes, windows } = judgement;
  if (outcomes.length === 0) return false;
  if (windows.dropped > defaultFitnessLimits.droppedShare * (windows.counted + windows.dropped)) {
    return false;
  }
  if (controls.some(({ control, passed }) => control === 'same-build' && !passed)) return false;
  return (
    outcomes.some(({ outcome }) => outcome === 'breached') ||
    outcomes.every(({ outcome }) => outcome === 'met')
  );
}
