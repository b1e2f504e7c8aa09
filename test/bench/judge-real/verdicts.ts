/** What the judge and its peers say about one stored measurement. Pure. */
import { judgeSequentially, type JudgeOptions } from '../../../gate-service/src/judge/judge.ts';
import type { Judgement } from '../../../gate-service/src/judge/judgement.ts';
import type { JudgedMeasurement } from '../../../gate-service/src/judge/measurement.ts';
import { parseThreshold, type Threshold } from '../../../gate-service/src/judge/threshold.ts';
import type { ArmName, Sample } from '../../../gate-service/src/load/sample.ts';
import { quantileOfSorted } from '../../../gate-service/src/statistics/quantile.ts';
import { kayenta } from '../peers/kayenta.ts';
import { pointThreshold, type PeerVerdict } from '../peers/point-threshold.ts';

export type Verdict = 'breached' | 'pass' | 'inconclusive' | 'invalid';

export const peers = [
  'point threshold, A then B',
  'point threshold, interleaved',
  'Kayenta, A then B',
  'Kayenta, interleaved',
] as const;
export type Peer = (typeof peers)[number];

export interface GateVerdict {
  readonly verdict: Verdict;
  /** Windows measured up to the look that decided. */
  readonly windows: number;
  readonly judgement: Judgement;
}

/** By the looks of a live run: the first that settles it decides. */
export function gateVerdict(
  measurement: JudgedMeasurement,
  thresholds: readonly Threshold[],
  options: Pick<JudgeOptions, 'seed' | 'requirePlanted' | 'shown'>,
): GateVerdict {
  const { judgement, windows } = judgeSequentially(measurement, thresholds, options);
  return { verdict: judgement.cause === 'met' ? 'pass' : judgement.cause, windows, judgement };
}

/**
 * The peers judge latency thresholds of the form `p95 <= baseline + 5%`, one after the other, and fail the
 * push when one is breached. They know no fitness, no controls and no looks: they take all windows.
 * "A then B" is what they get where the arms are measured one after the other: the baseline from the
 * first half of the windows, the candidate from the second.
 * @param thresholds others than on latency by a percentage are not for them, and left out
 * @throws RangeError when an arm has no good answers in a half
 */
export function peerVerdicts(
  measurement: JudgedMeasurement,
  thresholds: readonly Threshold[],
): Readonly<Record<Peer, PeerVerdict>> {
  const windows = windowsOf(measurement);
  const half = Math.floor(windows.length / 2);
  const interleaved = { a: windows, b: windows };
  const aThenB = { a: windows.slice(0, half), b: windows.slice(windows.length - half) };
  const rules = thresholds.flatMap(relativeLatency);
  const any = (breached: (rule: RelativeLatency) => PeerVerdict): PeerVerdict =>
    rules.some((rule) => breached(rule) === 'breached') ? 'breached' : 'pass';
  const byPoint = ({ a, b }: typeof interleaved): PeerVerdict =>
    any((rule) => pointThreshold(pooled(a, 'baseline'), pooled(b, 'candidate'), rule));
  const byKayenta = ({ a, b }: typeof interleaved): PeerVerdict =>
    any(({ quantile, margin }) =>
      kayenta(points(a, 'baseline', quantile), points(b, 'candidate', quantile), {
        allowedIncrease: 1 + margin,
      }),
    );
  return {
    'point threshold, A then B': byPoint(aThenB),
    'point threshold, interleaved': byPoint(interleaved),
    'Kayenta, A then B': byKayenta(aThenB),
    'Kayenta, interleaved': byKayenta(interleaved),
  };
}

/** The same threshold with its margin times `factor`; one that is not on latency by a percentage as it is. */
export function scaleMargin(text: string, factor: number): string {
  const [rule] = relativeLatency(parseThreshold(text));
  if (rule === undefined) return text;
  // Not more digits than a person would write.
  return text.replace(/\+.*$/, `+ ${Number((100 * rule.margin * factor).toFixed(6))}%`);
}

interface RelativeLatency {
  readonly quantile: number;
  readonly margin: number;
}

function relativeLatency({ against, amount, kind, metric, unit }: Threshold): RelativeLatency[] {
  return metric.name === 'latency' && against === 'baseline' && unit === '%' && kind === undefined
    ? [{ quantile: metric.percent / 100, margin: amount / 100 }]
    : [];
}

type Window = readonly Sample[];

/** In order, without warm-up and planted block. */
function windowsOf({ samples }: JudgedMeasurement): Window[] {
  const planted = new Set(samples.filter(({ arm }) => arm === 'planted').map((s) => s.window));
  const counted = samples.filter(({ window }) => window >= 0 && !planted.has(window));
  return [...Map.groupBy(counted, ({ window }) => window)]
    .sort(([a], [b]) => a - b)
    .map(([, window]) => window);
}

/** Milliseconds of the good answers, ascending. */
function latencies(window: Window, arm: ArmName): Float64Array {
  const good = window.filter((sample) => sample.arm === arm && sample.status === 'ok');
  return Float64Array.from(good, ({ latencyUs }) => latencyUs / 1000).sort();
}

function pooled(windows: readonly Window[], arm: ArmName): Float64Array {
  return latencies(windows.flat(), arm);
}

/** One point per window, as a monitoring system would hold it; none where the arm answered nothing. */
function points(windows: readonly Window[], arm: ArmName, quantile: number): number[] {
  return windows.flatMap((window) => quantileOfSorted(latencies(window, arm), quantile) ?? []);
}
