/** What tuning may go by of a measurement. */
import { defaultFitnessLimits, unfitReason } from '../../judge/fitness.ts';
import type { ArmName, Measurement, Sample } from '../../load/sample.ts';

/** Samples of an arm in the windows that count, as the judge counts them: a spoilt one says nothing of the arm. */
export function countedSamples(
  { fitness, samples }: Pick<Measurement, 'fitness' | 'samples'>,
  of: ArmName,
): readonly Sample[] {
  const spoilt = new Set(
    fitness
      .filter((one) => unfitReason(one, defaultFitnessLimits, 'allowed') !== undefined)
      .map(({ window }) => window),
  );
  return samples.filter(({ arm, window }) => arm === of && window >= 0 && !spoilt.has(window));
}
