/** One push of a simulated build past every gate. */
import { judge, judgeSequentially } from '../../../gate-service/src/judge/judge.ts';
import { parseThreshold } from '../../../gate-service/src/judge/threshold.ts';
import { quantileOfSorted } from '../../../gate-service/src/statistics/quantile.ts';
import { kayenta } from '../peers/kayenta.ts';
import { pointThreshold } from '../peers/point-threshold.ts';
import { FastRandom } from './fast-random.ts';
import { measurementOf, type SentWindow } from './measurement.ts';
import { noises, type NoiseName } from './noise.ts';
import { BASELINE, CANDIDATE, Traffic } from './traffic.ts';

export const gates = [
  'speed-gate',
  'point-threshold-a-then-b',
  'kayenta-a-then-b',
  'kayenta-interleaved',
] as const;
export type Gate = (typeof gates)[number];

export type Verdict = 'breached' | 'pass' | 'inconclusive' | 'invalid';

export interface GateAnswer {
  readonly gate: Gate;
  readonly verdict: Verdict;
  /** Of measuring, planted block included. */
  readonly seconds: number;
  /** Controls that failed. */
  readonly failed: readonly string[];
}

/** 236 s: 57 windows of 4 s and a planted block of 2; 1,000 requests a second over both arms. */
const WINDOW_SECONDS = 4;
const WINDOWS = 57;
const PLANTED_WINDOWS = 2;
const CAP_SECONDS = (WINDOWS + PLANTED_WINDOWS) * WINDOW_SECONDS;
const REQUESTS_PER_SECOND = 1000;
const PER_ARM = (REQUESTS_PER_SECOND / 2) * WINDOW_SECONDS;
const QUANTILE = 0.99;
const MARGIN = 0.05;
/** Of the standard normal distribution. */
const NORMAL_P99 = 2.3263;
const threshold = parseThreshold(`p99 <= baseline + ${MARGIN * 100}%`);

/** The same seed and cell give the same traffic and answers. */
export function pushOnce(noise: NoiseName, factor: number, seed: number): GateAnswer[] {
  const model = noises[noise];
  const stream = Object.keys(noises).indexOf(noise) * 1000 + Math.round(factor * 100);
  const together = new Traffic(model, factor, CAP_SECONDS, new FastRandom(seed, stream));
  // Twice the margin of the p99 that the model begins with (without tail and stalls), at least 1 ms.
  const p99 = model.medianMs * Math.exp(NORMAL_P99 * model.sigma);
  const plantedMs = Math.max(1, 2 * MARGIN * p99);
  const windows = Array.from({ length: WINDOWS + PLANTED_WINDOWS }, (_, window) => ({
    baseline: together.send(BASELINE, window * WINDOW_SECONDS, WINDOW_SECONDS, PER_ARM),
    other: together.send(
      window < WINDOWS ? CANDIDATE : BASELINE,
      window * WINDOW_SECONDS,
      WINDOW_SECONDS,
      PER_ARM,
    ),
  }));
  const apart = new Traffic(model, factor, CAP_SECONDS, new FastRandom(seed, stream + 500));
  const half = CAP_SECONDS / 2;
  const alone = (arm: typeof BASELINE | typeof CANDIDATE): Float64Array[] =>
    Array.from(
      { length: half / WINDOW_SECONDS },
      (_, window) =>
        apart.send(arm, arm * half + window * WINDOW_SECONDS, WINDOW_SECONDS, 2 * PER_ARM)
          .latencyMs,
    );
  const [first, second] = [alone(BASELINE), alone(CANDIDATE)];
  const compared = windows.slice(0, WINDOWS);
  const peers = { allowedIncrease: 1 + MARGIN, tolerance: 0.25, confidence: 0.98 };
  const peer = (gate: Gate, verdict: Verdict): GateAnswer => ({
    gate,
    verdict,
    seconds: CAP_SECONDS,
    failed: [],
  });
  return [
    judgeRun(windows, plantedMs, seed),
    peer(
      'point-threshold-a-then-b',
      pointThreshold(joined(first), joined(second), { quantile: QUANTILE, margin: MARGIN }),
    ),
    peer('kayenta-a-then-b', kayenta(points(first), points(second), peers)),
    peer(
      'kayenta-interleaved',
      kayenta(
        points(compared.map(({ baseline }) => baseline.latencyMs)),
        points(compared.map(({ other }) => other.latencyMs)),
        peers,
      ),
    ),
  ];
}

/** As a live run: stops at the look that settles it, plants, and judges all that was gathered by then. */
function judgeRun(windows: readonly SentWindow[], plantedMs: number, seed: number): GateAnswer {
  const plan = {
    planned: WINDOWS,
    plantedWindows: PLANTED_WINDOWS,
    plantedMs,
    windowSeconds: WINDOW_SECONDS,
  };
  const whole = measurementOf(windows, plan);
  const options = { seed, requirePlanted: true };
  const sequential = judgeSequentially(whole, [threshold], options);
  const used = sequential.windows;
  // Stopped early: the windows after it were never sent.
  const { cause, controls } =
    used === WINDOWS
      ? sequential.judgement
      : judge(
          measurementOf([...windows.slice(0, used), ...windows.slice(WINDOWS)], plan),
          [threshold],
          { ...options, look: used },
        );
  return {
    gate: 'speed-gate',
    verdict: cause === 'met' ? 'pass' : cause,
    seconds: (used + PLANTED_WINDOWS) * WINDOW_SECONDS,
    failed: controls.filter(({ passed }) => !passed).map(({ control }) => control),
  };
}

/** What a monitoring system would hand to Kayenta: one p99 per interval. */
function points(windows: readonly Float64Array[]): number[] {
  return windows.map((latencies) => quantileOfSorted(latencies.slice().sort(), QUANTILE) ?? NaN);
}

function joined(windows: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(windows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const window of windows) {
    all.set(window, at);
    at += window.length;
  }
  return all;
}
