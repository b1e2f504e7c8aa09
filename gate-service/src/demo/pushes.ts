import type { SampleFlavour } from '../settings/components.ts';

/** One push of the demo: which build, and what an honest gate must answer. */
export interface Push {
  readonly build: SampleFlavour;
  readonly about: string;
  readonly decision: 'promote' | 'rollback';
  readonly cause: 'met' | 'breached';
  /** The planted slowdown: this share is added to the application's wait. */
  readonly addedWait?: number;
  /** The planted failures: this kind of request is the one that fails. */
  readonly failingKind?: string;
}

export const pushes: readonly Push[] = [
  { build: '1.1', about: 'as fast as 1.0', decision: 'promote', cause: 'met' },
  {
    build: '1.2',
    about: 'waits 25 % longer',
    decision: 'rollback',
    cause: 'breached',
    addedWait: 0.25,
  },
  {
    build: '1.3',
    about: 'fails 2 % of its searches with 500',
    decision: 'rollback',
    cause: 'breached',
    failingKind: 'search',
  },
];

/** Median (ms) and sigma of the sample application's lognormal wait; see its source. */
const WAIT_MEDIAN_MS = 40;
const WAIT_SIGMA = 0.5;
/** Standard normal quantiles of the gated quantiles. */
const NORMAL_QUANTILES: Readonly<Record<string, number>> = { p50: 0, p95: 1.6448536269514722 };

/**
 * What a slowdown of the wait must look like at a quantile: added wait over the baseline's measured quantile,
 * because the path around the wait is not slower.
 * @param quantile `p50` or `p95`
 * @param addedWait share of the wait
 * @param baselineMs the baseline's measured quantile
 */
export function plantedEffect(quantile: string, addedWait: number, baselineMs: number): number {
  const normal = NORMAL_QUANTILES[quantile];
  if (normal === undefined) throw new RangeError(`no quantile ${quantile}, known: p50, p95`);
  return (addedWait * WAIT_MEDIAN_MS * Math.exp(WAIT_SIGMA * normal)) / baselineMs;
}
