/**
 * Latency thresholds. Each window gives one quantile per arm, and their difference: of logarithms
 * for `+ x%`, of milliseconds for `+ x ms`. Over the windows: location.ts. Interleaved arms share
 * whatever disturbs a window, so that it cancels in the difference. From six launches an arm on, launch means decide: launches.ts.
 */
import { binomialUpperTail } from '../statistics/distributions.ts';
import {
  detectableShift,
  estimateLocation,
  lowerBound,
  pAbove,
  trimmedPerSide,
  upperBound,
  wider,
  type LocationEstimate,
} from '../statistics/location.ts';
import { quantileOfRuns, quantileOfSorted } from '../statistics/quantile.ts';
import { frame, invalidFinding, type Evidence, type Finding } from './finding.ts';
import {
  compareLaunches,
  findLaunches,
  LEAST_LAUNCHES,
  levelOfLaunches,
  type Launches,
} from './launches.ts';
import { LEAST_SHARE_COUNTED, MINIMUM_WINDOWS } from './looks.ts';
import { candidateStalls, type WindowEffect } from './outlying.ts';
import { describeStalls } from './wording.ts';
import { metricName, type Threshold } from './threshold.ts';
import type { ArmWindow } from './arm-window.ts';
import type { ComparedWindow } from './windows.ts';

/** Quantiles of one window, milliseconds, +∞ where too many requests failed. */
export interface WindowQuantiles {
  readonly reference: number;
  readonly subject: number;
}

/** Least requests of an arm in a window of which a quantile is taken. */
const LEAST_REQUESTS = 5;
/** For absolute limits: how far a window must be out at least, of logarithms (a tenth slower). */
const LEAST_STALL = 0.1;

export function findLatency(threshold: Threshold, evidence: Evidence): Finding {
  const { metric, against } = threshold;
  if (metric.name !== 'latency') throw new TypeError('not a latency threshold');
  const q = metric.percent / 100;
  const relative = against === 'baseline';
  const windows = windowQuantiles(evidence.windows, q, threshold.kind, evidence.hasReference);
  const reason = tooLittle(windows, evidence, q, threshold);
  if (reason !== undefined) return invalidFinding(threshold, reason);
  const values = {
    ...pooled('baseline', evidence.windows, 'reference', q, threshold.kind),
    ...pooled('candidate', evidence.windows, 'subject', q, threshold.kind),
    valueUnit: 'ms' as const,
  };
  const question = {
    q,
    form: threshold.unit === '%' || !relative ? ('log' as const) : ('ms' as const),
    ...(threshold.kind === undefined ? {} : { kind: threshold.kind }),
  };
  const launches = evidence.hasReference
    ? findLaunches(evidence.windows, question, LEAST_LAUNCHES)
    : undefined;
  return relative
    ? { ...compareArms(threshold, windows, evidence, launches), ...values }
    : { ...holdAgainstLimit(threshold, windows, evidence, launches), ...values };
}

/** Least requests of an arm in a window of which quantile `q` is taken. */
export function leastRequests(q: number): number {
  return Math.max(LEAST_REQUESTS, 0.5 / (1 - q));
}

/** Quantiles of the windows in which every arm that is needed has requests enough. */
export function windowQuantiles(
  windows: readonly ComparedWindow[],
  q: number,
  kind: string | undefined,
  hasReference: boolean,
): WindowQuantiles[] {
  const least = leastRequests(q);
  return windows.flatMap((window) => {
    const reference = quantileOf(window.reference, q, kind, hasReference ? least : 0);
    const subject = quantileOf(window.subject, q, kind, least);
    if (subject === undefined || (hasReference && reference === undefined)) return [];
    return [{ reference: reference ?? NaN, subject }];
  });
}

/** Difference of the arms in a window; NaN where both are infinite. */
export function windowEffect({ reference, subject }: WindowQuantiles, form: 'log' | 'ms'): number {
  if (subject === Infinity && reference === Infinity) return NaN;
  return form === 'log' ? Math.log(subject) - Math.log(reference) : subject - reference;
}

function quantileOf(
  samples: ArmWindow,
  q: number,
  kind: string | undefined,
  least: number,
): number | undefined {
  const sorted = samples.sorted(kind);
  return sorted.length < least ? undefined : quantileOfSorted(sorted, q);
}

function tooLittle(
  windows: readonly WindowQuantiles[],
  { windows: all, hasReference }: Evidence,
  q: number,
  threshold: Threshold,
): string | undefined {
  const of = threshold.kind === undefined ? 'requests' : `requests of kind "${threshold.kind}"`;
  if (threshold.against === 'baseline' && !hasReference) {
    return 'there is no baseline to compare with';
  }
  const subjects = all.reduce((sum, { subject }) => sum + subject.count(threshold.kind), 0);
  const references = all.reduce((sum, { reference }) => sum + reference.count(threshold.kind), 0);
  if (subjects === 0) return `the candidate answered no ${of}`;
  if (hasReference && references === 0) return `the baseline answered no ${of}`;
  const perWindow = (hasReference ? Math.min(subjects, references) : subjects) / all.length;
  const needed = Math.max(LEAST_REQUESTS, 1 / (1 - q));
  if (perWindow < needed * 0.999) {
    return `a window holds ${perWindow.toFixed(0)} ${of} per arm; ${metricName(threshold.metric)} needs ${Math.ceil(needed - 1e-6)}`;
  }
  if (windows.length < Math.max(MINIMUM_WINDOWS, LEAST_SHARE_COUNTED * all.length)) {
    return `only ${windows.length} of ${all.length} windows hold enough ${of} of every arm`;
  }
  return undefined;
}

/**
 * What the windows' differences say about a threshold against the baseline.
 * @param launches when there are enough: then their means decide, unless the windows are less sure
 */
export function compareArms(
  threshold: Threshold,
  windows: readonly WindowQuantiles[],
  { levels, reportLevel }: Pick<Evidence, 'levels' | 'reportLevel'>,
  launches?: Launches,
): Finding {
  const { limit } = frame(threshold);
  const form = threshold.unit === '%' ? 'log' : 'ms';
  const margin = form === 'log' ? Math.log1p(limit) : limit;
  const shown = form === 'log' ? Math.expm1 : (value: number) => value;
  const all = windows.map((window) => windowEffect(window, form));
  const effects = all.filter((value) => !Number.isNaN(value));
  const name = metricName(threshold.metric);
  const unbounded = (side: number): number => effects.filter((value) => value === side).length;
  const both = all.length - effects.length;
  const spare = trimmedPerSide(all.length);
  if (both > spare) {
    return invalidFinding(
      threshold,
      `more requests fail than ${name} leaves room for, in both arms (${both} of ${all.length} windows)`,
    );
  }
  const location = lessSure(
    estimateLocation(effects),
    launches === undefined ? undefined : compareLaunches(launches),
  );
  if (location !== undefined) {
    const estimate = location.estimate;
    const proven = levels.final ? 0 : margin;
    const stalls = noteOfStalls(
      effects.map((effect) => ({ effect, worse: effect > margin, better: effect < -margin })),
      { margin, form, name },
      levels.final,
    );
    return {
      ...frame(threshold),
      ...interval(location, reportLevel, shown),
      ...stalls,
      minimumDetectableEffect: shown(detectableShift(location, levels.breach)),
      holds: stalls === undefined && upperBound(location, levels.pass) < margin,
      breachP: estimate >= margin ? pAbove(location, proven) : 1,
    };
  }
  const worse = unbounded(Infinity);
  const better = unbounded(-Infinity);
  if (worse > trimmedPerSide(effects.length) && worse > better) {
    return {
      ...frame(threshold),
      holds: false,
      // Sign test on the windows in which only one of the two arms has no finite quantile.
      breachP: binomialUpperTail(worse, worse + better, 0.5),
      note: `so many of the candidate's requests fail that it has no ${name} in ${worse} of ${all.length} windows (baseline: ${better})`,
    };
  }
  return invalidFinding(
    threshold,
    better > 0
      ? `so many of the baseline's requests fail that it has no ${name} in ${better} of ${all.length} windows`
      : `every window shows the same difference of ${name}: real latencies vary`,
  );
}

function holdAgainstLimit(
  threshold: Threshold,
  windows: readonly WindowQuantiles[],
  { levels, reportLevel, hasReference }: Evidence,
  launches: Launches | undefined,
): Finding {
  const { limit } = frame(threshold);
  const name = metricName(threshold.metric);
  const subject = windows.map((window) => Math.log(window.subject));
  const spare = trimmedPerSide(subject.length);
  const unboundedIn = (values: readonly number[]): number =>
    values.filter((value) => value === Infinity).length;
  const reference = windows.map((window) => Math.log(window.reference));
  const referenceBeyond =
    hasReference &&
    (unboundedIn(reference) > spare ||
      (estimateLocation(reference)?.estimate ?? -Infinity) >= Math.log(limit));
  const breach = (p: number): Pick<Finding, 'breachP' | 'bothP'> =>
    referenceBeyond ? { breachP: 1, bothP: p } : { breachP: p };

  const overWindows = estimateLocation(subject);
  const location = lessSure(
    overWindows,
    overWindows === undefined || launches === undefined
      ? undefined
      : levelOfLaunches(launches.subject, overWindows.estimate),
  );
  if (location !== undefined) {
    const compared = hasReference ? windows : [];
    const stalls = noteOfStalls(
      compared.map((window) => ({
        effect: windowEffect(window, 'log'),
        worse: window.subject > limit && window.reference <= limit,
        better: window.reference > limit && window.subject <= limit,
      })),
      { margin: LEAST_STALL, form: 'log', name },
      levels.final,
    );
    return {
      ...frame(threshold),
      ...interval(location, reportLevel, Math.exp),
      ...stalls,
      minimumDetectableEffect:
        Math.exp(location.estimate) * Math.expm1(detectableShift(location, levels.breach)),
      holds: stalls === undefined && upperBound(location, levels.pass) < Math.log(limit),
      ...breach(pAbove(location, Math.log(limit))),
    };
  }
  const unbounded = unboundedIn(subject);
  if (unbounded > spare) {
    return {
      ...frame(threshold),
      holds: false,
      // More windows without a finite quantile than the trimmed mean leaves aside.
      ...breach(binomialUpperTail(unbounded, subject.length, 0.2)),
      note: `so many of the candidate's requests fail that it has no ${name} in ${unbounded} of ${subject.length} windows`,
    };
  }
  return invalidFinding(threshold, `every window shows the same ${name}: real latencies vary`);
}

/** Says in which windows the candidate alone stalled, where that forbids `met`. */
function noteOfStalls(
  windows: readonly WindowEffect[],
  { margin, form, name }: { margin: number; form: 'log' | 'ms'; name: string },
  final: boolean,
): { readonly note: string } | undefined {
  const comparable = windows.filter(({ effect }) => !Number.isNaN(effect));
  if (comparable.length === 0) return undefined;
  const stalls = candidateStalls(comparable, margin, final);
  if (stalls === undefined) return undefined;
  return { note: describeStalls(stalls, { windows: windows.length, form, name }) };
}

/** Nothing without windows; without launches the windows alone. */
function lessSure(
  windows: LocationEstimate | undefined,
  launches: LocationEstimate | undefined,
): LocationEstimate | undefined {
  return windows === undefined || launches === undefined ? windows : wider(launches, windows);
}

function interval(
  location: LocationEstimate,
  level: number,
  shown: (value: number) => number,
): Pick<Finding, 'effect' | 'low' | 'high'> & object {
  return {
    effect: shown(location.estimate),
    low: shown(lowerBound(location, level)),
    high: shown(upperBound(location, level)),
  };
}

/** The quantile over all windows together, for people; absent when it is not finite. */
function pooled(
  name: 'baseline' | 'candidate',
  windows: readonly ComparedWindow[],
  side: 'reference' | 'subject',
  q: number,
  kind: string | undefined,
): Partial<Record<'baseline' | 'candidate', number>> {
  const value = quantileOfRuns(
    windows.map((window) => window[side].sorted(kind)),
    q,
  );
  return value === undefined || !Number.isFinite(value) ? {} : { [name]: value };
}
