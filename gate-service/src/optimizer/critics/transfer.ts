/**
 * What past sessions learned, as far as it proves right here. Weights as in RGPE (Feurer, Letham &
 * Bakshy 2018): how often each critic orders the present observations best. The weighted past is then
 * the prior mean of a process on what is measured now (as in Vizier's stack of residuals; Golovin et
 * al. 2017): a weighted sum, RGPE's own, forgets the past when the present begins to order better.
 */
import { quantileOfSorted } from '../../statistics/quantile.ts';
import type { Random } from '../../statistics/random.ts';
import { checkCriticData, type Critic, type CriticData, type Prediction } from './critic.ts';
import { at } from './dense.ts';
import {
  fitGaussianProcess,
  MOST_SITES,
  type GaussianProcess,
  type GaussianProcessOptions,
} from './gaussian-process.ts';
import type { Hyperparameters } from './hyperparameters.ts';
import { rankingLosses } from './ranking-loss.ts';
import { gatherSites, pick, thin, type Sites } from './sites.ts';

/** A critic of a past session, in the units of the present one; a constant between them does not matter. */
export interface PastCritic {
  readonly critic: Critic;
  /** Of its workload to the present one, 0–1. */
  readonly similarity: number;
}

export interface TransferEnsemble extends Critic {
  /** Of each past critic in the prior mean, 0 when dropped; what is left to 1 is `ownWeight`. */
  readonly weights: readonly number[];
  readonly ownWeight: number;
  readonly dropped: readonly { readonly index: number; readonly reason: string }[];
  /** Of the process on present observations, when there are any: `start` of the next fit. */
  readonly hyperparameters?: Hyperparameters;
}

const RESAMPLES = 200;
/** Fewer distinct configurations cannot order anything against anybody: similarity alone decides. */
const FEWEST_SITES = 3;
/** Share of resamples that must find a past critic worse than a coin before it is dropped for that. */
const SURE = 0.9;
const LEAST_SIMILARITY = 0.05;
/** What has less weight costs more time than it gives. */
const LEAST_WEIGHT = 0.02;

/**
 * @param own present observations, also none as long as there is a past
 * @throws RangeError without data and past, or with data that nothing can be learned from
 */
export function transferEnsemble(
  own: CriticData,
  past: readonly PastCritic[],
  random: Random,
  options: Omit<GaussianProcessOptions, 'mean'> = {},
): TransferEnsemble {
  checkCriticData(own);
  if (own.x.length === 0 && past.length === 0) {
    throw new RangeError('neither an observation nor a past critic to learn from');
  }
  const used = pick(own, thin(own.x, MOST_SITES));
  const sites = gatherSites(used);
  const reasons = new Map<number, string>();
  past.forEach(({ critic, similarity }, index) => {
    if (!sites.x.every((x) => isNumber(critic.predict(x)))) {
      reasons.set(index, 'what it foretells is no number');
    } else if (!(similarity >= LEAST_SIMILARITY)) {
      reasons.set(index, `its workload is too different (similarity ${similarity.toFixed(2)})`);
    }
  });
  const shares =
    sites.x.length < FEWEST_SITES
      ? { past: past.map(() => 1), own: own.x.length === 0 ? 0 : 1 }
      : compare(sites, fitGaussianProcess(used, random, options), past, reasons, random);
  const { weights, ownWeight } = weigh(shares, past, reasons);
  const believed = past.flatMap(({ critic }, index) => {
    const weight = at(weights, index);
    return weight > 0 ? [{ critic, weight }] : [];
  });
  const facts = {
    weights,
    ownWeight,
    dropped: [...reasons].sort(([a], [b]) => a - b).map(([index, reason]) => ({ index, reason })),
  };
  if (own.x.length === 0) {
    if (believed.length === 0) {
      throw new RangeError(
        `no observation, and no past critic is of use: ${[...reasons.values()].join('; ')}`,
      );
    }
    return { ...facts, predict: (x) => blend(believed, x), noise: blendedNoise(believed) };
  }
  return { ...facts, ...correct(used, sites, believed, random, options) };
}

interface Believed {
  readonly critic: Critic;
  readonly weight: number;
}

interface Shares {
  readonly past: readonly number[];
  readonly own: number;
}

/** Of resamples in which each orders best; enters into `reasons` whose past misleads. */
function compare(
  sites: Sites,
  process: GaussianProcess,
  past: readonly PastCritic[],
  reasons: Map<number, string>,
  random: Random,
): Shares {
  const predictions = [
    process.leaveOneOut().map(({ mean }) => mean),
    ...past.map(({ critic }) => sites.x.map((x) => critic.predict(x).mean)),
  ];
  const noise = [...sites.precision].map((precision) => process.noise / Math.sqrt(precision));
  const [ownLosses = [], ...pastLosses] = rankingLosses(
    predictions,
    sites.mean,
    noise,
    RESAMPLES,
    random,
  );
  const worstOfOwn = quantile(ownLosses, 0.95);
  pastLosses.forEach((losses, index) => {
    if (reasons.has(index)) return;
    const loss = quantile(losses, 0.5);
    const worse = losses.filter((one) => one > 0.5).length / losses.length;
    if (worse >= SURE) {
      reasons.set(index, `it orders ${percent(loss)} of pairs wrongly: worse than chance`);
    } else if (loss > worstOfOwn) {
      const ours = percent(quantile(ownLosses, 0.5));
      reasons.set(
        index,
        `it orders ${percent(loss)} of pairs wrongly, what was measured now only ${ours}`,
      );
    }
  });
  const wins = [0, ...past.map(() => 0)];
  ownLosses.forEach((ownLoss, resample) => {
    const losses = [
      ownLoss,
      ...pastLosses.map((one, index) => (reasons.has(index) ? Infinity : at(one, resample))),
    ];
    const least = Math.min(...losses);
    const best = losses.flatMap((loss, who) => (loss === least ? [who] : []));
    for (const who of best) wins[who] = at(wins, who) + 1 / best.length;
  });
  const [ownWins = 0, ...pastWins] = wins;
  return { past: pastWins, own: ownWins };
}

/** Wins weighed by similarity, in sum 1; enters into `reasons` who is left with next to nothing. */
function weigh(
  shares: Shares,
  past: readonly PastCritic[],
  reasons: Map<number, string>,
): { weights: number[]; ownWeight: number } {
  const raw = past.map(({ similarity }, index) =>
    reasons.has(index) ? 0 : at(shares.past, index) * Math.min(1, similarity),
  );
  const total = raw.reduce((sum, weight) => sum + weight, shares.own);
  const weights = raw.map((weight, index) => {
    const share = total > 0 ? weight / total : 0;
    if (share >= LEAST_WEIGHT) return share;
    if (!reasons.has(index)) reasons.set(index, 'others order what was measured now better');
    return 0;
  });
  const kept = weights.reduce((sum, weight) => sum + weight, 0);
  if (shares.own === 0 && kept > 0) {
    return { weights: weights.map((weight) => weight / kept), ownWeight: 0 };
  }
  return { weights, ownWeight: 1 - kept };
}

/** A process on what the past did not foretell. */
function correct(
  used: CriticData,
  sites: Sites,
  believed: readonly Believed[],
  random: Random,
  options: Omit<GaussianProcessOptions, 'mean'>,
): Critic & { hyperparameters: Hyperparameters } {
  // Asked for twice a prediction, once for the mean and once for the variance.
  let latest: { x: readonly number[]; mean: number; variance: number } | undefined;
  const past = (x: readonly number[]): { mean: number; variance: number } => {
    if (latest?.x === x) return latest;
    latest = { x, mean: 0, variance: 0 };
    for (const { critic, weight } of believed) {
      const foretold = critic.predict(x);
      latest.mean += weight * foretold.mean;
      latest.variance += weight * foretold.sd ** 2;
    }
    return latest;
  };
  const mean = (x: readonly number[]): number => past(x).mean;
  const variance = (x: readonly number[]): number => past(x).variance;
  const doubt = sites.x.reduce((sum, x) => sum + variance(x), 0) / sites.x.length;
  const spread = options.spread ?? (doubt > 0 ? Math.sqrt(doubt) : undefined);
  const process = fitGaussianProcess(used, random, {
    ...options,
    mean,
    ...(spread !== undefined && { spread }),
  });
  const unseen = process.priorSd ** 2;
  return {
    noise: process.noise,
    hyperparameters: process.hyperparameters,
    predict(x): Prediction {
      const { mean: middle, sd } = process.predict(x);
      // Where it was measured now, it no longer matters how sure the past was.
      return { mean: middle, sd: Math.sqrt(sd ** 2 + (variance(x) * sd ** 2) / unseen) };
    },
  };
}

/** Mean of means, total variance of the mixture. */
function blend(believed: readonly Believed[], x: readonly number[]): Prediction {
  let mean = 0;
  let squares = 0;
  for (const { critic, weight } of believed) {
    const found = critic.predict(x);
    mean += weight * found.mean;
    squares += weight * (found.sd ** 2 + found.mean ** 2);
  }
  return { mean, sd: Math.sqrt(Math.max(0, squares - mean ** 2)) };
}

function blendedNoise(believed: readonly Believed[]): number {
  return Math.sqrt(
    believed.reduce((sum, { critic, weight }) => sum + weight * critic.noise ** 2, 0),
  );
}

function isNumber({ mean, sd }: Prediction): boolean {
  return Number.isFinite(mean) && Number.isFinite(sd);
}

function quantile(values: readonly number[], q: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), q) ?? NaN;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
