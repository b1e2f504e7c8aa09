/** What `speed-gate plan` answers, as data and in words. Pure. */
import { milliseconds, percent } from '../judge/numbers.ts';
import type { PastWindows } from '../judge/past-windows.ts';
import {
  errorProspect,
  FEW,
  leastEffect,
  leastWindows,
  poolSpreads,
  spreadProspect,
  type Prospect,
} from '../judge/planning.ts';
import {
  amountInBaseUnit,
  formatThreshold,
  metricName,
  type Threshold,
} from '../judge/threshold.ts';

export const powers: readonly number[] = [0.8, 0.9, 0.95];

export interface Duration {
  /** Chance, 0–1. */
  readonly power: number;
  /** Null where no plan is long enough. */
  readonly windows: number | null;
  readonly seconds: number | null;
  /** The same for the lower and upper end of what the spread may be. */
  readonly secondsLow: number | null;
  readonly secondsHigh: number | null;
}

export interface Detectable {
  readonly power: number;
  /** True effect that is found to breach, in the threshold's base unit; null where none is. */
  readonly effect: number | null;
}

export interface PlanAnswer {
  readonly threshold: string;
  readonly unit: 'ratio' | 'ms' | 'share';
  readonly from: {
    readonly measurements: number;
    readonly windows: number;
    readonly windowSeconds: number;
    readonly requestsPerWindow: number;
    /** Warm-up and planted block; on top of all seconds here. */
    readonly secondsBeside: number;
  };
  /** Standard deviation of a window's effect (`ratio`: of its logarithm) with its 90 % interval; absent for errors. */
  readonly spread?: { readonly deviation: number; readonly low: number; readonly high: number };
  /** How long until a build as good as the baseline meets the threshold. */
  readonly toMeet: readonly Duration[];
  /** How long until a build with this effect is found to breach it; only when asked for an effect. */
  readonly toFind?: { readonly effect: number; readonly durations: readonly Duration[] };
  /** What a given time can show; only when asked for a time. */
  readonly within?: {
    readonly seconds: number;
    readonly windows: number;
    readonly chanceToMeet: number;
    readonly detectable: readonly Detectable[];
  };
  /** How sure all this is. */
  readonly notes: readonly string[];
}

export interface PlanQuestion {
  readonly threshold: Threshold;
  readonly seconds?: number;
  /** In the threshold's base unit: 0.05 is 5 %, else milliseconds. */
  readonly effect?: number;
}

/** @throws Error when the measurements say nothing about the threshold, or plan does not know its metric */
export function answerPlan(question: PlanQuestion, past: readonly PastWindows[]): PlanAnswer {
  const { threshold, seconds, effect } = question;
  const text = formatThreshold(threshold);
  const { prospects, spread, unit, unsure } = prospectsOf(threshold, past, text);
  const [usual, best, worst] = prospects;
  const windows = past.reduce((sum, one) => sum + one.windows, 0);
  const mean = (value: (one: PastWindows) => number): number =>
    past.reduce((sum, one) => sum + value(one) * one.windows, 0) / windows;
  const windowSeconds = mean((one) => one.windowSeconds);
  const durations = (chance: (prospect: Prospect, count: number) => number): Duration[] =>
    powers.map((power) => {
      const least = (prospect: Prospect): number | null =>
        leastWindows((count) => chance(prospect, count), power) ?? null;
      const inSeconds = (count: number | null): number | null =>
        count === null ? null : rounded(count * windowSeconds);
      const own = least(usual);
      return {
        power,
        windows: own,
        seconds: inSeconds(own),
        secondsLow: inSeconds(least(best)),
        secondsHigh: inSeconds(least(worst)),
      };
    });
  const limit = amountInBaseUnit(threshold);
  const count = seconds === undefined ? 0 : Math.floor(seconds / windowSeconds + 1e-9);
  if (seconds !== undefined && count < 6) {
    throw new Error(
      `--seconds ${seconds}: that is ${count} windows of ${windowSeconds.toFixed(1)} s, and fewer than 6 decide nothing`,
    );
  }
  return {
    threshold: text,
    unit,
    from: {
      measurements: past.length,
      windows,
      windowSeconds: rounded(windowSeconds),
      requestsPerWindow: Math.round(mean((one) => one.requestsPerWindow)),
      secondsBeside: rounded(mean((one) => one.secondsBeside)),
    },
    ...(spread === undefined ? {} : { spread }),
    toMeet: durations((prospect, n) => prospect.meets(n)),
    ...(effect === undefined
      ? {}
      : { toFind: { effect, durations: durations((prospect, n) => prospect.finds(n, effect)) } }),
    ...(seconds === undefined
      ? {}
      : {
          within: {
            seconds,
            windows: count,
            chanceToMeet: rounded(usual.meets(count)),
            detectable: powers.map((power) => ({
              power,
              effect:
                leastEffect(
                  (size) => usual.finds(count, size),
                  power,
                  threshold.against === 'absolute' ? limit : 0,
                  limit,
                ) ?? null,
            })),
          },
        }),
    notes: [
      ...unsure,
      ...(effect !== undefined && effect <= limit
        ? [
            `an effect of ${shown(effect, unit)} is not beyond the limit of ${shown(limit, unit)}: such a build breaches nothing`,
          ]
        : []),
    ],
  };
}

interface Prospects {
  /** With the spread as estimated, and with both ends of its interval. */
  readonly prospects: readonly [Prospect, Prospect, Prospect];
  readonly spread?: NonNullable<PlanAnswer['spread']>;
  readonly unit: PlanAnswer['unit'];
  readonly unsure: readonly string[];
}

function prospectsOf(threshold: Threshold, past: readonly PastWindows[], text: string): Prospects {
  const { metric, against, unit } = threshold;
  if (metric.name === 'throughput' || metric.name === 'capacity') {
    throw new Error(
      `${text}: plan knows latency, errors and cpu_per_request; ${metric.name} is not measured window by window`,
    );
  }
  if (metric.name === 'errors') {
    const hits = past.reduce((sum, { failures }) => sum + failures.hits, 0);
    const total = past.reduce((sum, { failures }) => sum + failures.total, 0);
    if (total === 0) throw new Error(`${text}: the measurements hold no such requests`);
    const perWindow = total / 2 / past.reduce((sum, { windows }) => sum + windows, 0);
    const prospect = (count: number): Prospect =>
      errorProspect(threshold, { hits: count, total }, perWindow);
    const deviation = 1.645 * Math.sqrt(hits + 1);
    return {
      prospects: [
        prospect(hits),
        prospect(Math.max(0, hits - deviation)),
        prospect(hits + deviation),
      ],
      unit: 'share',
      unsure:
        hits < 5
          ? [`only ${hits} of ${total} past requests failed: the true share is hardly known`]
          : [],
    };
  }
  const spread = poolSpreads(past);
  if (spread === undefined) {
    throw new Error(
      metric.name === 'cpu_per_request'
        ? `${text}: the measurements hold no CPU seconds by window (sample files never do; the service stores them)`
        : `${text}: no measurement has windows enough with a ${metricName(metric)}`,
    );
  }
  const { deviation, low, high, degreesOfFreedom } = spread;
  return {
    prospects: [
      spreadProspect(threshold, spread, deviation),
      spreadProspect(threshold, spread, low),
      spreadProspect(threshold, spread, high),
    ],
    spread: { deviation, low, high },
    unit: against === 'baseline' && unit === '%' ? 'ratio' : 'ms',
    unsure: [
      ...(degreesOfFreedom < FEW
        ? [
            `few data: the spread rests on ${degreesOfFreedom} degrees of freedom and is hardly known; the ranges say how far it may be off`,
          ]
        : []),
      ...(past.length === 1
        ? ['one measurement only: how much the machine varies from day to day is not in it']
        : []),
    ],
  };
}

/** In words for a person. */
export function describePlan(answer: PlanAnswer): string[] {
  const { from, spread, toFind, toMeet, unit, within } = answer;
  const lines = (durations: readonly Duration[]): string[] =>
    durations.map(({ power, windows, seconds, secondsLow, secondsHigh }) =>
      windows === null
        ? `  ${percent(power)}  never (more than 100,000 windows)`
        : `  ${percent(power)}  ${time(seconds)}, ${windows} windows (between ${time(secondsLow)} and ${time(secondsHigh)}, by what the spread may be)`,
    );
  return [
    `${answer.threshold}: from ${from.measurements} ${from.measurements === 1 ? 'measurement' : 'measurements'} with ${from.windows} windows of ${from.windowSeconds.toFixed(1)} s and about ${from.requestsPerWindow} requests per arm`,
    ...(spread === undefined
      ? []
      : [
          `spread of a window's effect: ${shownSpread(spread.deviation, answer)} (90 % sure: ${shownSpread(spread.low, answer)} to ${shownSpread(spread.high, answer)})`,
        ]),
    '',
    'Measured seconds until a build as good as the baseline meets it, at most, with a chance of',
    ...lines(toMeet),
    ...(toFind === undefined
      ? []
      : [
          '',
          `Measured seconds until a build with ${shown(toFind.effect, unit)} is found to breach it, at most, with a chance of`,
          ...lines(toFind.durations),
        ]),
    ...(within === undefined
      ? []
      : [
          '',
          `In ${within.seconds} s (${within.windows} windows)`,
          `  a build as good as the baseline meets it with ${percent(within.chanceToMeet)}`,
          ...within.detectable.map(({ power, effect }) =>
            effect === null
              ? `  nothing is found to breach it with ${percent(power)}`
              : `  a breach is found with ${percent(power)} from ${shown(effect, unit)} on`,
          ),
        ]),
    '',
    `Warm-up and planted block come on top: about ${from.secondsBeside.toFixed(0)} s in these measurements. Earlier looks, from a third on, end most measurements sooner.`,
    ...answer.notes.map((note) => `Note: ${note}.`),
  ];
}

function time(seconds: number | null): string {
  if (seconds === null) return 'never';
  return seconds < 600 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
}

function shown(value: number, unit: PlanAnswer['unit']): string {
  return unit === 'ms' ? milliseconds(value) : percent(value);
}

/** The spread of a limit in milliseconds is one of logarithms as well. */
function shownSpread(value: number, { threshold, unit }: PlanAnswer): string {
  return unit === 'ms' && threshold.includes('baseline') ? milliseconds(value) : percent(value);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
