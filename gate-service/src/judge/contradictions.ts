/**
 * What a file may say of a measurement that cannot all be true: counts that do not fit the rows, rows
 * that stand there twice, and a clock that goes back or jumps. The judge's other controls look at
 * single samples; these look at how they fit together. Pure.
 */
import type { ArmName, Measurement, Sample } from '../load/sample.ts';

/** An open loop sends window after window; the second request of a pair may be due a little after its window. */
const MOST_OVERLAP = 0.5;
/** Windows are of one length; so many times the usual one is a step of the clock, not a window. */
const MOST_STRETCH = 3;
/** Two requests of an arm may be alike by chance: so many in a file whose clock ticks in microseconds. */
const CHANCE_TWINS = 0.001;
/** The same in a file whose times are whole milliseconds. */
const CHANCE_TWINS_COARSE = 0.05;

/** @returns a sentence for each contradiction, none when the measurement is one that can have happened */
export function findContradictions(measurement: Measurement): string[] {
  const { counters, samples } = measurement;
  const found: (string | undefined)[] = [
    counters !== undefined && samples.length !== counters.received
      ? `the sender received ${counters.received} answers, but ${samples.length} samples are recorded`
      : undefined,
    repeatedRows(samples),
    clockStep(spansOfWindows(samples)),
  ];
  return found.filter((sentence) => sentence !== undefined);
}

/** When the requests of a window were meant to leave, microseconds, and which nodes answered. */
interface WindowSpan {
  readonly window: number;
  from: number;
  to: number;
  count: number;
  readonly launches: Set<string>;
}

/**
 * Seconds from the first to the last intended send of the first `windows` measured windows: warm-up and
 * planted block do not count. 0 without any.
 */
export function secondsMeasured(samples: readonly Sample[], windows: number): number {
  const spans = spansOfWindows(samples).slice(0, windows);
  let from = Infinity;
  let to = -Infinity;
  for (const span of spans) {
    from = Math.min(from, span.from);
    to = Math.max(to, span.to);
  }
  const seconds = (to - from) / 1e6;
  return Number.isFinite(seconds) ? seconds : 0;
}

/** Of the measured windows, by number. */
function spansOfWindows(samples: readonly Sample[]): WindowSpan[] {
  const spans = new Map<number, WindowSpan>();
  const planted = new Set<number>();
  let last: WindowSpan | undefined;
  for (const { arm, window, intendedUs, launch } of samples) {
    if (window < 0) continue;
    if (arm === 'planted') planted.add(window);
    if (last?.window !== window) {
      last = spans.get(window);
      if (last === undefined) {
        last = { window, from: Infinity, to: -Infinity, count: 0, launches: new Set() };
        spans.set(window, last);
      }
    }
    if (intendedUs < last.from) last.from = intendedUs;
    if (intendedUs > last.to) last.to = intendedUs;
    last.count += 1;
    last.launches.add(launch);
  }
  return [...spans.values()]
    .filter(({ window }) => !planted.has(window))
    .sort((a, b) => a.window - b.window);
}

function clockStep(spans: readonly WindowSpan[]): string | undefined {
  const [first] = spans;
  if (first === undefined) return undefined;
  const requests = spans.reduce((sum, { count }) => sum + count, 0);
  if (requests > 1 && spans.every(({ from, to }) => from === first.from && to === first.from)) {
    return `all ${requests} requests were meant to leave at the same moment: their intended times are not known`;
  }
  const length = median(spans.map(({ from, to }) => to - from));
  const pairs = spans.slice(1).map((span, index) => ({ span, before: spans[index] ?? first }));
  const usual = median(
    pairs.map(({ span, before }) => (span.from - before.from) / (span.window - before.window)),
  );
  // With few requests in a window its own length says little.
  const period = Math.max(length, usual);
  for (const { window, from, to } of spans) {
    if (spans.length >= 3 && to - from > MOST_STRETCH * period) {
      return `the clock jumped: window ${window} lasts ${seconds(to - from)}, the others ${seconds(length)}`;
    }
  }
  for (const { span, before } of pairs) {
    if (before.to - span.from > MOST_OVERLAP * period) {
      return `the clock went back: window ${span.window} begins ${seconds(before.to - span.from)} before window ${before.window} has ended`;
    }
    const distance = (span.from - before.from) / (span.window - before.window);
    // Between launches nobody sends: a pause is right where other nodes answer after it.
    const relaunched = [...span.launches].every((launch) => !before.launches.has(launch));
    if (spans.length >= 3 && distance > MOST_STRETCH * period && !relaunched) {
      return `the clock jumped: window ${span.window} begins ${seconds(distance)} after window ${before.window}, where ${seconds(usual)} are usual`;
    }
  }
  return undefined;
}

function repeatedRows(samples: readonly Sample[]): string | undefined {
  const shared = sharedTimes(samples);
  if (shared.size === 0) return undefined;
  const seen = new Set<string>();
  let twins = 0;
  let coarse = true;
  for (const { arm, launch, window, kind, intendedUs, latencyUs, status } of samples) {
    if (intendedUs % 1000 !== 0) coarse = false;
    if (shared.get(arm)?.has(intendedUs) !== true) continue;
    const row = `${arm},${launch},${window},${kind},${intendedUs},${latencyUs},${status}`;
    if (seen.has(row)) twins += 1;
    else seen.add(row);
  }
  const most = 2 + (coarse ? CHANCE_TWINS_COARSE : CHANCE_TWINS) * samples.length;
  if (twins <= most) return undefined;
  return `${twins} of ${samples.length} rows stand in the file twice`;
}

/** Intended times that several requests of an arm have: few, so that only their rows need be compared. */
function sharedTimes(samples: readonly Sample[]): Map<ArmName, Set<number>> {
  const times = new Map<ArmName, number[]>();
  for (const { arm, intendedUs } of samples) {
    const list = times.get(arm);
    if (list === undefined) times.set(arm, [intendedUs]);
    else list.push(intendedUs);
  }
  const shared = new Map<ArmName, Set<number>>();
  for (const [arm, list] of times) {
    const sorted = Float64Array.from(list).sort();
    const several = sorted.filter((time, index) => index > 0 && sorted[index - 1] === time);
    if (several.length > 0) shared.set(arm, new Set(several));
  }
  return shared;
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(us < 1e7 ? 1 : 0)} s`;
}
