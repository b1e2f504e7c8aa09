import { sequentialLevels } from './sequential.ts';

/**
 * Group-sequential levels for the t statistics of location.ts. Normal theory is a little too
 * generous to them (paths of the trimmed t cross more often), so the error to spend is scaled down
 * first. Factors: 60,000 simulated paths each for 6–60 planned windows and errors 0.05 and 0.025;
 * the least factor that was needed was 0.71 below 16 windows (at 10) and 0.79 from 16 on (at 20).
 */
export function calibratedLevels(
  fractions: readonly number[],
  planned: number,
  alpha: number,
  final: boolean,
): number[] {
  const key = `${fractions.join(' ')}|${planned}|${alpha}|${final}`;
  const known = computed.get(key);
  if (known !== undefined) return known;
  const factor = planned < 16 ? 0.7 : 0.79;
  const levels = sequentialLevels(fractions, alpha * factor, final);
  if (computed.size > 1000) computed.clear();
  computed.set(key, levels);
  return levels;
}

/** The integration takes some 20 ms: the same plan asks for the same levels at every judgement. */
const computed = new Map<string, number[]>();
