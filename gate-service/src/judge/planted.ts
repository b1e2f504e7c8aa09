/**
 * Positive control: a short block in which the proxy really delays one side. What was asked for
 * must be found again, or this measurement would not have seen a slowdown either.
 *
 * The block is cut into pieces of equal numbers of requests by intended time; each piece gives a
 * difference of midmeans (the mean of the middle half: indifferent to the tail and to some failures,
 * surer than the median). Pieces, not windows, because the block is only a few windows long. How often
 * it misses a real delay: test/bench/judge/check-controls.ts.
 */
import { estimateLocation, lowerBound, upperBound } from '../statistics/location.ts';
import type { ArmWindow } from './arm-window.ts';
import { notRun, plantedSentence } from './controls.ts';
import type { ControlOutcome } from './judgement.ts';
import type { JudgedMeasurement } from './measurement.ts';
import type { SortedMeasurement } from './windows.ts';

const LEVEL = 0.025;
const LEAST_PIECES = 4;
const MOST_PIECES = 24;
/** Requests of each side that a piece should hold. */
const PIECE = 25;
/** How far the estimate may be from the plan, as a part of it, unless its interval covers the plan. */
const TOLERANCE = 0.5;
/**
 * How far it may be in any case, in ms. A proxy's delays have the steps of its clock: Envoy's is the
 * kernel's coarse one, 4 ms at 250 Hz, and half a step either way is none of the measurement's.
 */
const PROXY_CLOCK_MS = 2;

/**
 * @param required whether it counts against the measurement when the block is missing
 * @param unknownDelay a block of unknown delay is judged: any delay that is surely one is seen
 */
export function plantedControl(
  measurement: JudgedMeasurement,
  sorted: SortedMeasurement,
  { required, unknownDelay }: { readonly required: boolean; readonly unknownDelay: boolean },
): ControlOutcome {
  const { plantedDelayUs } = measurement;
  if (sorted.planted.length === 0) {
    return notRun('planted', !required, 'the measurement holds no planted block that counts');
  }
  if (plantedDelayUs === undefined ? !unknownDelay : !(plantedDelayUs > 0)) {
    return notRun('planted', !required, 'it is not known which delay was planted');
  }
  const plannedMs = plantedDelayUs === undefined ? undefined : plantedDelayUs / 1000;
  const reference = inOrderOfTime(sorted.planted.map((window) => window.reference));
  const planted = inOrderOfTime(sorted.planted.map((window) => window.planted));
  const pieces = Math.min(
    MOST_PIECES,
    Math.floor(Math.min(reference.length, planted.length) / PIECE),
  );
  if (pieces < LEAST_PIECES) {
    return notRun(
      'planted',
      false,
      `the planted block holds ${planted.length} planted and ${reference.length} plain requests, at least ${LEAST_PIECES * PIECE} of each are needed`,
    );
  }
  const plain = midmeansOfPieces(reference, pieces);
  const delayed = midmeansOfPieces(planted, pieces);
  const differences = delayed.map((midmean, index) => midmean - (plain[index] ?? NaN));
  const location = estimateLocation(differences);
  if (location === undefined) {
    return notRun('planted', false, 'the planted block allows no comparison of its halves');
  }
  const effect = {
    estimate: location.estimate,
    low: lowerBound(location, LEVEL),
    high: upperBound(location, LEVEL),
  };
  const near =
    plannedMs === undefined ||
    Math.abs(effect.estimate - plannedMs) <= Math.max(TOLERANCE * plannedMs, PROXY_CLOCK_MS) ||
    (effect.low <= plannedMs && plannedMs <= effect.high);
  const seen = effect.low > 0 && near;
  return {
    control: 'planted',
    passed: seen,
    effect: effect.estimate,
    low: effect.low,
    high: effect.high,
    sentence: plantedSentence(seen, plannedMs, effect),
  };
}

function midmeansOfPieces(inTime: Float64Array, pieces: number): number[] {
  return Array.from({ length: pieces }, (_, piece) => {
    const from = Math.floor((piece * inTime.length) / pieces);
    const to = Math.floor(((piece + 1) * inTime.length) / pieces);
    const sorted = inTime.slice(from, to).sort();
    const middle = sorted.subarray(Math.floor(sorted.length / 4), Math.ceil(0.75 * sorted.length));
    return middle.reduce((sum, latency) => sum + latency, 0) / middle.length;
  });
}

/** Latencies by intended time; among equal times by latency, so that the file's order means nothing. */
function inOrderOfTime(windows: readonly ArmWindow[]): Float64Array {
  const rows = windows.flatMap(({ intendedUs, latencyMs }) =>
    Array.from(latencyMs, (latency, row) => ({ at: intendedUs[row] ?? 0, latency })),
  );
  rows.sort((a, b) => a.at - b.at || (a.latency < b.latency ? -1 : Number(a.latency > b.latency)));
  return Float64Array.from(rows, ({ latency }) => latency);
}
