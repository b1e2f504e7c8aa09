import { normalCdf } from '../../statistics/distributions.ts';
import type { Critic } from './critic.ts';

/**
 * P(latent value at `x` <= limit) by the critic's belief, 0–1. Without the noise of an observation:
 * a limit is about what the configuration does, not about one window of it. A belief that is no number
 * gives 0.
 * @throws RangeError when the limit is NaN
 */
export function probabilityBelow(critic: Critic, x: readonly number[], limit: number): number {
  if (Number.isNaN(limit)) throw new RangeError('a limit is a number, got NaN');
  const { mean, sd } = critic.predict(x);
  if (Number.isNaN(mean) || Number.isNaN(sd)) return 0;
  if (!(sd > 0) || !Number.isFinite(limit)) return mean <= limit ? 1 : 0;
  return normalCdf((limit - mean) / sd);
}
