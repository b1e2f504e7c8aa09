/**
 * How long a threshold takes, and what a given time can show: from the spread of the effects of past
 * windows (measuring.md §10), with the levels of the judge's last look. Pure.
 *
 * The effect of n windows has the standard error SD ÷ √n, SD being that of the judge's own estimate
 * (trimmed mean), so that what it trims away costs no time here either. Chances are those of a shifted
 * t, as in `detectableShift`. Earlier looks end most measurements sooner; they are not counted on.
 */
import {
  normalCdf,
  normalQuantile,
  studentUpperQuantile,
  studentUpperTail,
} from '../statistics/distributions.ts';
import { estimateLocation, trimmedPerSide } from '../statistics/location.ts';
import { levelsAt, MINIMUM_WINDOWS } from './looks.ts';
import type { PastWindows } from './past-windows.ts';
import { amountInBaseUnit, type Threshold } from './threshold.ts';

/** Windows beyond this are no plan. */
const MOST_WINDOWS = 100_000;
/** Fewer degrees of freedom than this: the spread itself is hardly known. */
export const FEW = 20;

/** What the windows of several measurements say together. */
export interface Spread {
  /** Standard deviation of one window's effect, in the effect's scale (logarithm or milliseconds). */
  readonly deviation: number;
  /** 90 % interval of `deviation`, which also holds what single measurements showed. */
  readonly low: number;
  readonly high: number;
  readonly degreesOfFreedom: number;
  /** Mean effect; for a limit the logarithm of the baseline's value. */
  readonly level: number;
}

/** Chances of a threshold when so many windows count. */
export interface Prospect {
  /** That a build as good as the baseline meets it. */
  meets(windows: number): number;
  /** That a build with this true effect is found to breach it. */
  finds(windows: number, effect: number): number;
}

/** @returns `undefined` when no measurement has three windows with an effect, or none varies */
export function poolSpreads(measurements: readonly PastWindows[]): Spread | undefined {
  let squares = 0;
  let freedom = 0;
  let levels = 0;
  const single: number[] = [];
  for (const { effects } of measurements) {
    const location = estimateLocation(effects);
    if (location === undefined) continue;
    const variance = location.standardError ** 2 * location.count;
    squares += variance * location.degreesOfFreedom;
    freedom += location.degreesOfFreedom;
    levels += location.estimate * location.degreesOfFreedom;
    single.push(Math.sqrt(variance));
  }
  if (freedom === 0) return undefined;
  const deviation = Math.sqrt(squares / freedom);
  return {
    deviation,
    low: Math.min(...single, deviation * Math.sqrt(freedom / chiSquareQuantile(0.95, freedom))),
    high: Math.max(...single, deviation * Math.sqrt(freedom / chiSquareQuantile(0.05, freedom))),
    degreesOfFreedom: freedom,
    level: levels / freedom,
  };
}

/** @param deviation of one window's effect: the spread's own, or a bound of it */
export function spreadProspect(threshold: Threshold, spread: Spread, deviation: number): Prospect {
  const relative = threshold.against === 'baseline';
  const inScale = relative
    ? (effect: number): number => (threshold.unit === '%' ? Math.log1p(effect) : effect)
    : (value: number): number => Math.log(value);
  const limit = inScale(amountInBaseUnit(threshold));
  const chance = (distance: number, windows: number, level: number): number => {
    const freedom = Math.max(2, windows - 2 * trimmedPerSide(windows) - 1);
    const standardError = deviation / Math.sqrt(windows);
    return 1 - studentUpperTail(distance / standardError - critical(level, freedom), freedom);
  };
  return {
    meets: (windows) =>
      chance(limit - (relative ? 0 : spread.level), windows, levelsAt(windows, windows, true).pass),
    finds: (windows, effect) => {
      const shift = inScale(effect);
      const { breach } = levelsAt(windows, windows, true);
      // A breach is an estimate at or beyond the limit that is surely above 0 (a limit: surely beyond it).
      const beyond = chance(shift - limit, windows, 0.5);
      return Math.min(beyond, chance(shift - (relative ? 0 : limit), windows, breach));
    },
  };
}

/**
 * Chances of an error threshold, by the normal approximation; without a failure so far as if there had
 * been half a one.
 * @param hits failures among `total` past requests of both arms
 */
export function errorProspect(
  threshold: Threshold,
  { hits, total }: { readonly hits: number; readonly total: number },
  requestsPerWindow: number,
): Prospect {
  const limit = amountInBaseUnit(threshold);
  const relative = threshold.against === 'baseline';
  const usual = Math.min(0.999, Math.max(hits, 0.5) / total);
  const variance = (share: number): number => Math.max(share, 1e-9) * (1 - Math.min(share, 0.999));
  const spread = (share: number, windows: number): number =>
    Math.sqrt((variance(share) + (relative ? variance(usual) : 0)) / (windows * requestsPerWindow));
  return {
    meets: (windows) => {
      const requests = windows * requestsPerWindow;
      const { pass } = levelsAt(windows, windows, true);
      // No failure at all must be enough: the exact bound of 0 of n (rule of three).
      if (!relative && (1 - limit) ** requests > pass) return 0;
      const distance = relative ? limit : limit - usual;
      const shareAtLimit = relative ? usual : limit;
      return normalCdf(
        (distance - normalQuantile(1 - pass) * spread(shareAtLimit, windows)) /
          spread(usual, windows),
      );
    },
    finds: (windows, effect) => {
      const { breach } = levelsAt(windows, windows, true);
      const share = relative ? usual + effect : effect;
      const sure = (distance: number, level: number, at: number): number =>
        normalCdf(
          (distance - normalQuantile(1 - level) * spread(at, windows)) / spread(share, windows),
        );
      const beyond = sure(effect - limit, 0.5, share);
      return Math.min(
        beyond,
        relative ? sure(effect, breach, usual) : sure(effect - limit, breach, limit),
      );
    },
  };
}

/** Least number of windows with a chance of at least `wanted`; `undefined` when no plan is so long. */
export function leastWindows(
  chance: (windows: number) => number,
  wanted: number,
): number | undefined {
  let most = MINIMUM_WINDOWS;
  while (!(chance(most) >= wanted)) {
    most *= 2;
    if (most > MOST_WINDOWS) return undefined;
  }
  let least = most === MINIMUM_WINDOWS ? MINIMUM_WINDOWS - 1 : most / 2;
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (chance(middle) >= wanted) most = middle;
    else least = middle;
  }
  return most;
}

/**
 * Least true effect, in the threshold's base unit, that is found with a chance of at least `wanted`.
 * @param from an effect that is surely not found, e.g. 0 or the limit; `undefined` when none below
 *   `from` + 1000 × `unit` is
 */
export function leastEffect(
  finds: (effect: number) => number,
  wanted: number,
  from: number,
  unit: number,
): number | undefined {
  let step = unit / 100;
  while (!(finds(from + step) >= wanted)) {
    step *= 2;
    if (step > 1000 * unit) return undefined;
  }
  let low = 0;
  let high = step;
  for (let iteration = 0; iteration < 40; iteration += 1) {
    const middle = (low + high) / 2;
    if (finds(from + middle) >= wanted) high = middle;
    else low = middle;
  }
  return from + high;
}

/** t beyond which a one-sided test at `level` decides; 0 at 0.5, where jstat would look for it long. */
function critical(level: number, freedom: number): number {
  return level >= 0.5 ? 0 : studentUpperQuantile(level, freedom);
}

/** Wilson & Hilferty 1931: within 1 % from 3 degrees of freedom on. */
function chiSquareQuantile(p: number, freedom: number): number {
  const part = 2 / (9 * freedom);
  return freedom * Math.max(0.05, 1 - part + normalQuantile(p) * Math.sqrt(part)) ** 3;
}
