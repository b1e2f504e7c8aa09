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
  const effects = [...counted, ...planted]
    .flatMap(({ reference }, index) => halves(reference.sorted(kind), q, seed, index))
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
 * Quantiles of two halves of equal size, every split equally likely. Drawn by rank, and anew for each
 * window in turn, so that neither the order of the file's lines nor the unit of the latencies nor the
 * numbers of the windows matter.
 */
function halves(sorted: Float64Array, q: number, seed: number, index: number): WindowQuantiles[] {
  const half = Math.floor(sorted.length / 2);
  if (half < leastRequests(q)) return [];
  const random = createRandom(seed, `same-build ${index}`);
  const subject = new Float64Array(half);
  const reference = new Float64Array(sorted.length - half);
  let taken = 0;
  for (const [rank, value] of sorted.entries()) {
    if (random.next() * (sorted.length - rank) < half - taken) subject[taken++] = value;
    else reference[rank - taken] = value;
  }
  return [
    {
      reference: quantileOfSorted(reference, q) ?? NaN,
      subject: quantileOfSorted(subject, q) ?? NaN,
    },
  ];
}
