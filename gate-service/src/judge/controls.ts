/** Controls: whether this measurement could be trusted to show anything, whatever it showed. */
import type { ControlOutcome } from './judgement.ts';
import { brokenOff, type JudgedMeasurement } from './measurement.ts';
import { UNWATCHED } from './fitness.ts';
import { milliseconds, percent, signedPercent } from './numbers.ts';
import type { SortedMeasurement } from './windows.ts';
import { LEAST_SHARE_COUNTED } from './looks.ts';

/** The sender's word on itself: how many windows were fit. Decided without looking at the effect. */
export function senderControl(
  measurement: JudgedMeasurement,
  sorted: SortedMeasurement,
  options: { readonly droppedShare: number; readonly required: boolean; readonly final: boolean },
): ControlOutcome {
  const broken = brokenOff(measurement);
  if (broken !== undefined) return { control: 'sender', passed: false, sentence: broken };
  if (measurement.fitness.length === 0) {
    return notRun('sender', !options.required, 'the sender did not report on its fitness');
  }
  const unwatched = measurement.fitness.filter(
    ({ contained, foreignCores }) => foreignCores === undefined && contained !== true,
  );
  if (options.required && unwatched.length > 0) {
    return {
      control: 'sender',
      passed: false,
      sentence: `${UNWATCHED} in ${unwatched.length} of ${measurement.fitness.length} windows: strangers may have spoilt them unseen`,
    };
  }
  const dropped = sorted.dropped.length;
  const all = sorted.counted.length + dropped;
  const example = sorted.dropped[0];
  const why = example === undefined ? '' : ` (window ${example.window}: ${example.reason})`;
  if (dropped > options.droppedShare * all) {
    return {
      control: 'sender',
      passed: false,
      sentence: `${dropped} of ${all} windows were spoilt, more than ${percent(options.droppedShare)}${why}; measure again when the machine is quieter`,
    };
  }
  const least = Math.ceil(LEAST_SHARE_COUNTED * measurement.windowsPlanned - 1e-9);
  if (options.final && sorted.counted.length < least) {
    return {
      control: 'sender',
      passed: false,
      sentence: `only ${sorted.counted.length} of ${measurement.windowsPlanned} planned windows count, at least ${least} must${why}`,
    };
  }
  return {
    control: 'sender',
    passed: true,
    sentence: `the sender kept up: ${all - dropped} of ${all} windows count${why}${unwatched.length > 0 ? `; ${UNWATCHED}` : ''}`,
  };
}

/** Warm-up: the paired difference must have stopped trending. `undefined` when nobody said and nobody asks. */
export function steadyControl(
  steady: boolean | undefined,
  required: boolean,
): ControlOutcome | undefined {
  if (steady === undefined) {
    return required
      ? notRun('steady', false, 'nobody said whether the arms were steady after warm-up')
      : undefined;
  }
  return {
    control: 'steady',
    passed: steady,
    sentence: steady
      ? 'the difference between the arms was steady after warm-up'
      : 'the difference between the arms never stopped trending in warm-up: too early to compare',
  };
}

/** Whether the samples hold the positive control and it was seen. In `planted.ts`; here its sentences. */
export function plantedSentence(
  seen: boolean,
  plannedMs: number | undefined,
  effect: { readonly estimate: number; readonly low: number; readonly high: number },
): string {
  const range = `${milliseconds(effect.estimate)} (plausible range ${milliseconds(effect.low)} to ${milliseconds(effect.high)})`;
  const delay = `a planted delay of ${plannedMs === undefined ? 'unknown size' : milliseconds(plannedMs)}`;
  return seen
    ? `${delay} was seen as ${range}`
    : `${delay} was not found again: it shows as ${range}`;
}

export function sameBuildSentence(
  name: string,
  unit: 'ratio' | 'ms',
  effect: { readonly estimate: number; readonly low: number; readonly high: number },
): string {
  const shown = (value: number): string =>
    unit === 'ratio' ? signedPercent(value) : milliseconds(value);
  return `same build against itself: ${name} ${shown(effect.estimate)} (plausible range ${shown(effect.low)} to ${shown(effect.high)})`;
}

export function notRun(
  control: ControlOutcome['control'],
  passed: boolean,
  reason: string,
): ControlOutcome {
  return { control, passed, notRun: true, sentence: `not run: ${reason}` };
}
