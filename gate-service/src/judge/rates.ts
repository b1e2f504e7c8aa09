/** Thresholds on throughput (completed ÷ offered) and CPU per request. */
import {
  estimateLocation,
  detectableShift,
  lowerBound,
  pAbove,
  upperBound,
} from '../statistics/location.ts';
import {
  clopperPearson,
  conditionalBinomialP,
  leastLevel,
  share,
  type Bounds,
  type Tally,
} from '../statistics/proportions.ts';
import { binomialUpperTail } from '../statistics/distributions.ts';
import { tallyFailures } from './errors.ts';
import { frame, invalidFinding, type Evidence, type Finding } from './finding.ts';
import type { JudgedMeasurement } from './measurement.ts';
import { LEAST_SHARE_COUNTED, MINIMUM_WINDOWS } from './looks.ts';
import type { Threshold } from './threshold.ts';
import type { ComparedArms } from './windows.ts';
import type { ArmName } from '../load/sample.ts';

/** Completed requests against requests offered: the load is open loop, so both arms were offered the same. */
export function findThroughput(threshold: Threshold, evidence: Evidence): Finding {
  const relative = threshold.against === 'baseline';
  const whole = tallyFailures(evidence)[0];
  if (relative && !evidence.hasReference) {
    return invalidFinding(threshold, 'there is no baseline to compare with');
  }
  if (whole === undefined || whole.subject.total === 0) {
    return invalidFinding(threshold, 'the candidate got no requests');
  }
  if (evidence.hasReference && whole.reference.total === 0) {
    return invalidFinding(threshold, 'the baseline got no requests');
  }
  const subject = completed(whole.subject);
  const reference = completed(whole.reference);
  if (relative && reference.hits === 0) {
    return invalidFinding(threshold, 'the baseline completed no requests');
  }
  const { limit } = frame(threshold);
  const { final, pass } = evidence.levels;
  const values = {
    ...(evidence.hasReference ? { baseline: share(reference) } : {}),
    candidate: share(subject),
    valueUnit: 'share' as const,
  };
  if (!relative) {
    const beyond = share(subject) < limit;
    const p = beyond ? binomialUpperTail(whole.subject.hits, whole.subject.total, 1 - limit) : 1;
    const both = evidence.hasReference && share(reference) < limit;
    return {
      ...frame(threshold),
      effect: share(subject),
      ...clopperPearson(subject, evidence.reportLevel),
      ...values,
      holds: clopperPearson(subject, pass).low > limit,
      ...(both ? { breachP: 1, bothP: p } : { breachP: p }),
    };
  }
  const bounds = (level: number): Bounds => ratioBounds(subject, reference, level);
  const effect = share(subject) / share(reference) - 1;
  const proven = final
    ? conditionalBinomialP(whole.subject, whole.reference)
    : leastLevel((level) => bounds(level).high < -limit);
  return {
    ...frame(threshold),
    effect,
    ...bounds(evidence.reportLevel),
    ...values,
    holds: bounds(pass).low > -limit,
    breachP: effect <= -limit ? proven : 1,
  };
}

/**
 * CPU time of the arm's nodes per request. Needs CPU seconds by window: from totals an estimate can
 * be shown, but not how sure it is, and what is not sure is not met.
 */
export function findCpu(
  threshold: Threshold,
  evidence: Evidence,
  measurement: JudgedMeasurement,
  arms: ComparedArms,
): Finding {
  const relative = threshold.against === 'baseline';
  if (relative && !evidence.hasReference) {
    return invalidFinding(threshold, 'there is no baseline to compare with');
  }
  const byWindow = cpuPerRequestByWindow(evidence, measurement, arms);
  if (byWindow.length > 0) return cpuOverWindows(threshold, evidence, byWindow);
  const total = (arm: ArmName, side: 'subject' | 'reference'): number => {
    const requests = evidence.windows.reduce((sum, window) => sum + window[side].length, 0);
    return ((measurement.cpuSeconds?.[arm] ?? NaN) * 1000) / requests;
  };
  const candidate = total(arms.subject, 'subject');
  const baseline = total(arms.reference, 'reference');
  if (
    !(candidate > 0) ||
    !Number.isFinite(candidate) ||
    (relative && !(baseline > 0 && Number.isFinite(baseline)))
  ) {
    return invalidFinding(threshold, 'the CPU time of the nodes is not known');
  }
  return {
    ...frame(threshold),
    effect: relative ? candidate / baseline - 1 : candidate,
    ...(Number.isFinite(baseline) ? { baseline } : {}),
    candidate,
    valueUnit: 'cpu-ms',
    holds: false,
    breachP: 1,
    note: 'only the total CPU time is known, not its spread over windows, so that this cannot be shown either way',
  };
}

interface CpuWindow {
  readonly reference: number;
  readonly subject: number;
}

function cpuOverWindows(
  threshold: Threshold,
  { levels, reportLevel, windows: all, hasReference }: Evidence,
  windows: readonly CpuWindow[],
): Finding {
  const relative = threshold.against === 'baseline';
  if (windows.length < Math.max(MINIMUM_WINDOWS, LEAST_SHARE_COUNTED * all.length)) {
    return invalidFinding(
      threshold,
      `the CPU time is known in only ${windows.length} of ${all.length} windows`,
    );
  }
  const subject = estimateLocation(windows.map((window) => Math.log(window.subject)));
  const reference = estimateLocation(windows.map((window) => Math.log(window.reference)));
  const location = relative
    ? estimateLocation(windows.map((window) => Math.log(window.subject / window.reference)))
    : subject;
  if (location === undefined) {
    return invalidFinding(threshold, 'the CPU time is the same in every window: real ones vary');
  }
  const { limit } = frame(threshold);
  const bound = relative ? Math.log1p(limit) : Math.log(limit);
  const shown = relative ? Math.expm1 : Math.exp;
  const proven = relative && levels.final ? 0 : bound;
  const p = location.estimate >= bound ? pAbove(location, proven) : 1;
  const both = !relative && hasReference && (reference?.estimate ?? -Infinity) >= bound;
  return {
    ...frame(threshold),
    effect: shown(location.estimate),
    low: shown(lowerBound(location, reportLevel)),
    high: shown(upperBound(location, reportLevel)),
    minimumDetectableEffect: relative
      ? Math.expm1(detectableShift(location, levels.breach))
      : Math.exp(location.estimate) * Math.expm1(detectableShift(location, levels.breach)),
    ...(reference === undefined ? {} : { baseline: Math.exp(reference.estimate) }),
    ...(subject === undefined ? {} : { candidate: Math.exp(subject.estimate) }),
    valueUnit: 'cpu-ms',
    holds: upperBound(location, levels.pass) < bound,
    ...(both ? { breachP: 1, bothP: p } : { breachP: p }),
  };
}

function cpuPerRequestByWindow(
  { windows, hasReference }: Evidence,
  { cpuSecondsByWindow = [] }: JudgedMeasurement,
  arms: ComparedArms,
): CpuWindow[] {
  const known = new Map(
    cpuSecondsByWindow.map(({ window, arm, seconds }) => [`${window} ${arm}`, seconds]),
  );
  return windows.flatMap((window) => {
    const of = (arm: ArmName, requests: number): number =>
      ((known.get(`${window.window} ${arm}`) ?? NaN) * 1000) / requests;
    const subject = of(arms.subject, window.subject.length);
    const reference = of(arms.reference, window.reference.length);
    const usable = (value: number): boolean => value > 0 && Number.isFinite(value);
    return usable(subject) && (!hasReference || usable(reference)) ? [{ reference, subject }] : [];
  });
}

function completed(failures: Tally): Tally {
  return { hits: failures.total - failures.hits, total: failures.total };
}

/** Bounds of subject's share ÷ reference's − 1 from two exact intervals with half the error each: conservative. */
function ratioBounds(subject: Tally, reference: Tally, level: number): Bounds {
  const s = clopperPearson(subject, level / 2);
  const r = clopperPearson(reference, level / 2);
  return { low: s.low / r.high - 1, high: r.low === 0 ? Infinity : s.high / r.low - 1 };
}
