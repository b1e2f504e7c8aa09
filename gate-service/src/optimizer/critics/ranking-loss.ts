/** How often critics order pairs of configurations wrongly, and how sure that is. */
import { drawInteger, type Random } from '../../statistics/random.ts';
import { at } from './dense.ts';
import { drawNormal } from './normal.ts';

/** Per critic the share of misordered pairs, 0–1, in each resample; all critics meet the same resamples. */
export type RankingLosses = readonly (readonly number[])[];

/**
 * Resamples configurations with replacement (Feurer, Letham & Bakshy 2018, RGPE, whose posterior
 * samples are replaced by resampling, as critics promise marginals only) and blurs what was measured
 * by its noise, so that pairs which noise alone may have ordered count for nobody.
 * @param predictions of each critic for each configuration
 * @param noise standard deviation of each measured value
 */
export function rankingLosses(
  predictions: readonly (readonly number[])[],
  measured: ArrayLike<number>,
  noise: readonly number[],
  resamples: number,
  random: Random,
): RankingLosses {
  const size = measured.length;
  const losses = predictions.map(() => new Array<number>(resamples).fill(0.5));
  for (let resample = 0; resample < resamples; resample += 1) {
    const chosen = Array.from({ length: size }, () => drawInteger(random, size));
    const blurred = Array.from(
      { length: size },
      (_, i) => at(measured, i) + at(noise, i) * drawNormal(random),
    );
    predictions.forEach((predicted, critic) => {
      const loss = lossOf(predicted, blurred, chosen);
      const row = losses[critic];
      if (row !== undefined) row[resample] = loss;
    });
  }
  return losses;
}

/** Share of misordered pairs; a tie is half an error, no pair at all is a coin's. */
function lossOf(
  predicted: readonly number[],
  measured: readonly number[],
  chosen: readonly number[],
): number {
  let pairs = 0;
  let wrong = 0;
  for (let a = 0; a < chosen.length; a += 1) {
    for (let b = 0; b < a; b += 1) {
      const [i, j] = [at(chosen, a), at(chosen, b)];
      if (i === j) continue;
      pairs += 1;
      const agreement = (at(predicted, i) - at(predicted, j)) * (at(measured, i) - at(measured, j));
      // What is no number is wrong.
      if (!(agreement > 0)) wrong += agreement === 0 ? 0.5 : 1;
    }
  }
  return pairs > 0 ? wrong / pairs : 0.5;
}
