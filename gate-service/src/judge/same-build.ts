/**
 * The noise floor of this very measurement: the baseline's samples of each window are split at
 * random into two halves, and the halves are compared as if they were two builds. It fails when
 * the interval lies wholly outside ± half the margin, or is wider than 1.5 margins to a side: then
 * a difference of the size of the margin would mean nothing. Checked on all windows gathered.
 */
import { estimateLocation, lowerBound, upperBound } from '../statistics/location.ts';
import { mix } from '../statistics/mix.ts';
import type { Sample } from '../load/sample.ts';
import { notRun, sameBuildSentence } from './controls.ts';
import { frame } from './finding.ts';
import type { ControlOutcome } from './judgement.ts';
import { windowEffect, windowQuantiles } from './latency.ts';
import { metricName, type Threshold } from './threshold.ts';
import type { ComparedWindow } from './windows.ts';

const LEVEL = 0.025;

/** @param threshold a latency threshold against the baseline */
export function sameBuildControl(
  threshold: Threshold,
  windows: readonly ComparedWindow[],
  seed: number,
): ControlOutcome {
  const { metric, kind } = threshold;
  if (metric.name !== 'latency') throw new TypeError('not a latency threshold');
  const name = metricName(metric) + (kind === undefined ? '' : `{kind=${kind}}`);
  const form = threshold.unit === '%' ? 'log' : 'ms';
  const { limit } = frame(threshold);
  const margin = form === 'log' ? Math.log1p(limit) : limit;
  const halves = windows.map((window) => splitAtRandom(window, kind, seed));
  const effects = windowQuantiles(halves, metric.percent / 100, undefined, true)
    .map((window) => windowEffect(window, form))
    .filter((value) => !Number.isNaN(value));
  const location = estimateLocation(effects);
  if (location === undefined) {
    return notRun('same-build', false, `the baseline's own samples allow no comparison of ${name}`);
  }
  const low = lowerBound(location, LEVEL);
  const high = upperBound(location, LEVEL);
  const shown = form === 'log' ? Math.expm1 : (value: number): number => value;
  const effect = { estimate: shown(location.estimate), low: shown(low), high: shown(high) };
  const shifted = low > margin / 2 || high < -margin / 2;
  const blurred = (high - low) / 2 > 1.5 * margin;
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

/** Halves of equal size, whatever the order of the file's lines. */
function splitAtRandom(
  { window, reference }: ComparedWindow,
  kind: string | undefined,
  seed: number,
): ComparedWindow {
  const chosen = kind === undefined ? reference : reference.filter((s) => s.kind === kind);
  const drawn = chosen
    .map((sample) => ({
      sample,
      at: mix(seed, window, sample.intendedUs, sample.latencyUs, ...letters(sample)),
    }))
    .sort((a, b) => a.at - b.at || a.sample.latencyUs - b.sample.latencyUs)
    .map(({ sample }) => sample);
  return {
    window,
    reference: drawn.filter((_, index) => index % 2 === 0),
    subject: drawn.filter((_, index) => index % 2 === 1),
  };
}

function letters({ kind, status }: Sample): number[] {
  return Array.from(`${kind} ${status}`, (letter) => letter.codePointAt(0) ?? 0);
}
