/** Which kind of critic to trust: the one that has ordered the latest configurations better without having seen them. */
import type { Random } from '../../statistics/random.ts';
import { checkCriticData, type Critic, type CriticData } from './critic.ts';
import { fitExtraTrees } from './extra-trees.ts';
import { fitGaussianProcess, MOST_SITES, type GaussianProcessOptions } from './gaussian-process.ts';
import type { Hyperparameters } from './hyperparameters.ts';
import { rankCorrelation } from './rank-correlation.ts';
import { gatherSites, pick, thin } from './sites.ts';

export type CriticKind = 'gaussian-process' | 'trees';

export interface ChosenCritic extends Critic {
  readonly kind: CriticKind;
  /** Of the chosen one, −1 to 1, over the latest configurations; 0 when there are too few to say. */
  readonly rankCorrelation: number;
  readonly rankCorrelations: Readonly<Record<CriticKind, number>>;
  /** Of the process, also when trees are chosen: `start` of the next fit. */
  readonly hyperparameters: Hyperparameters;
  /** Set when there were more than 100 distinct configurations: the observations that the fit rests on. */
  readonly thinned?: { readonly kept: number; readonly of: number };
}

/** Fewer distinct configurations say nothing about who orders them better. */
const FEWEST = 8;
/** Older ones were measured elsewhere, where the search no longer is. */
const WINDOW = 40;
/** In standard errors of a rank correlation (1 ÷ √count): half of one, so that luck alone rarely switches. */
const MARGIN = 0.5;

/**
 * Fits both and takes trees only where they are better by a margin, because their spread says nothing
 * away from data. Compared by leave-one-out predictions in a window that rolls with time. To foretell
 * each from earlier ones only was tried as well: on simulated data it chose worse (mean rank
 * correlation of the chosen 0.40 against 0.45), because its early predictions rest on too little.
 * @throws RangeError without data, or with data that nothing can be learned from
 */
export function chooseCritic(
  data: CriticData,
  random: Random,
  options: GaussianProcessOptions = {},
): ChosenCritic {
  checkCriticData(data);
  const kept = thin(data.x, MOST_SITES);
  const used = pick(data, kept);
  const gaussian = fitGaussianProcess(used, random, options);
  const trees = fitExtraTrees(used, random, options);
  const measured = [...gatherSites(used).mean].slice(-WINDOW);
  const ranked = (critic: typeof gaussian | typeof trees): number =>
    measured.length < FEWEST
      ? 0
      : rankCorrelation(
          critic
            .leaveOneOut()
            .slice(-WINDOW)
            .map(({ mean }) => mean),
          measured,
        );
  const rankCorrelations = { 'gaussian-process': ranked(gaussian), trees: ranked(trees) };
  const lead = rankCorrelations.trees - rankCorrelations['gaussian-process'];
  const kind = lead > MARGIN / Math.sqrt(measured.length) ? 'trees' : 'gaussian-process';
  const chosen = kind === 'trees' ? trees : gaussian;
  return {
    predict: (x) => chosen.predict(x),
    noise: chosen.noise,
    kind,
    rankCorrelation: rankCorrelations[kind],
    rankCorrelations,
    hyperparameters: gaussian.hyperparameters,
    ...(kept.length < data.x.length && { thinned: { kept: kept.length, of: data.x.length } }),
  };
}
