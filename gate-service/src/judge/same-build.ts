/**
 * The noise floor of this very measurement: the baseline's samples of each window are split at
 * random into two halves, and the halves are compared as if they were two builds. On all windows
 * gathered, those of the planted block included (the baseline is sent to there as well).
 *
 * It fails when the halves' difference is wider than 1.5 margins to a side: then a difference of
 * the size of the margin would mean nothing. And it fails when its interval lies wholly outside
 * ± half the margin. Both halves are the same build by construction, so the second is always
 * chance; so that the control does not flake, it is called on the 99.9 % interval (shown is the
 * 95 % one, by which the width is judged).
 */
import { estimateLocation, halfWidth, lowerBound, upperBound } from '../statistics/location.ts';
import { quantileOfSorted } from '../statistics/quantile.ts';
import { createRandom } from '../statistics/random.ts';
import type { ArmWindow } from './arm-window.ts';
import { notRun, sameBuildSentence } from './controls.ts';
import { frame } from './finding.ts';
import type { ControlOutcome } from './judgement.ts';
import { leastRequests, windowEffect, type WindowQuantiles } from './latency.ts';
import { metricName, type Threshold } from './threshold.ts';
import type { SortedMeasurement } from './windows.ts';

const LEVEL = 0.025;
const SHIFT_LEVEL = 0.0005;

/** @param threshold a latency threshold against the baseline */
export function sameBuildControl(
  threshold: Threshold,
  { counted, planted }: Pick<SortedMeasurement, 'counted' | 'planted'>,
  seed: number,
): ControlOutcome {
  const { metric, kind } = threshold;
  if (metric.name !== 'latency') throw new TypeError('not a latency threshold');
  const name = metricName(metric) + (kind === undefined ? '' : `{kind=${kind}}`);
  const form = threshold.unit === '%' ? 'log' : 'ms';
  const { limit } = frame(threshold);
  const margin = form === 'log' ? Math.log1p(limit) : limit;
  const q = metric.percent / 100;
  // A window may be in both lists.
  const references = new Set([...counted, ...planted].map(({ reference }) => reference));
  const effects = [...references]
    .flatMap((reference, index) => halves(reference, q, kind, { seed, index }))
    .map((window) => windowEffect(window, form))
    .filter((value) => !Number.isNaN(value));
  const location = estimateLocation(effects);
  if (location === undefined) {
    return notRun('same-build', false, `the baseline's own samples allow no comparison of ${name}`);
  }
  const shown = form === 'log' ? Math.expm1 : (value: number): number => value;
  const effect = {
    estimate: shown(location.estimate),
    low: shown(lowerBound(location, LEVEL)),
    high: shown(upperBound(location, LEVEL)),
  };
  const shifted =
    lowerBound(location, SHIFT_LEVEL) > margin / 2 ||
    upperBound(location, SHIFT_LEVEL) < -margin / 2;
  const blurred = halfWidth(location, LEVEL) > 1.5 * margin;
  const verb = shifted
    ? '; that is a difference where there is none'
    : blurred
      ? '; that is too noisy for the margin'
      : '';
  return {
    control: 'same-build',
    passed: !shifted && !blurred,
    effect: effect.estimate,
    low: effect.low,
    high: effect.high,
    sentence: sameBuildSentence(name, form === 'log' ? 'ratio' : 'ms', effect) + verb,
  };
}

/**
 * Quantiles of two halves of equal size, every split equally likely. Who goes where is drawn in order
 * of intended time, and anew for each window in turn: neither the order of the file's lines nor the
 * unit of the latencies nor the numbers of the windows matter. Not by rank: the same seed would give
 * every file of that size the same luck.
 */
function halves(window: ArmWindow, q: number, kind: string | undefined, draw: Draw): Quantiles {
  const { length } = window.inOrderOfTime(kind);
  if (Math.floor(length / 2) < leastRequests(q)) return [];
  const [subject, reference] = splitInTwo(window, kind, draw);
  return [
    {
      reference: quantileOfSorted(reference, q) ?? NaN,
      subject: quantileOfSorted(subject, q) ?? NaN,
    },
  ];
}

type Quantiles = readonly WindowQuantiles[];

interface Draw {
  readonly seed: number;
  /** Of the window, in turn. */
  readonly index: number;
}

type Halves = readonly [Float64Array, Float64Array];

/** Several thresholds and looks ask for the same split. */
const splitsKnown = new WeakMap<ArmWindow, Map<string, Halves>>();

/** Each half ascending. */
function splitInTwo(window: ArmWindow, kind: string | undefined, { seed, index }: Draw): Halves {
  const known = splitsKnown.get(window) ?? new Map<string, Halves>();
  splitsKnown.set(window, known);
  const key = `${seed} ${index} ${kind ?? ''}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const inTime = window.inOrderOfTime(kind);
  const random = createRandom(seed, `same-build ${index}`);
  const half = Math.floor(inTime.length / 2);
  const one = new Float64Array(half);
  const other = new Float64Array(inTime.length - half);
  let taken = 0;
  for (const [place, value] of inTime.entries()) {
    if (random.next() * (inTime.length - place) < half - taken) one[taken++] = value;
    else other[place - taken] = value;
  }
  const split: Halves = [one.sort(), other.sort()];
  known.set(key, split);
  return split;
}
