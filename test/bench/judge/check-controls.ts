/**
 * How often each control fails although nothing is wrong, at the sizes of the runs' profiles:
 *
 *     node test/bench/judge/check-controls.ts [--repetitions N]
 *
 * Two arms of two nodes with the same build (waits around 40 ms, 100 requests a second to each arm, as
 * in the demo), all windows gathered, the planted block at the end; per profile and noise the failures
 * of each control.
 */
import { parseArgs } from 'node:util';
import { judge } from '../../../gate-service/src/judge/judge.ts';
import { parseThreshold } from '../../../gate-service/src/judge/threshold.ts';
import { profiles } from '../../../gate-service/src/runs/profile.ts';
import { FastRandom } from './fast-random.ts';
import { measurementOf } from './measurement.ts';
import { noises, type NoiseName } from './noise.ts';
import { BASELINE, CANDIDATE, Traffic } from './traffic.ts';

const PER_SECOND = 100;
const thresholds = ['p50 <= baseline + 10%', 'p95 <= baseline + 15%'].map(parseThreshold);
const { values } = parseArgs({ options: { repetitions: { type: 'string', default: '3000' } } });
const repetitions = Number(values.repetitions);

for (const profile of ['standard', 'quick'] as const) {
  for (const noise of ['quiet', 'moderate', 'harsh', 'process-bias-2-nodes'] as const) {
    const failed: Record<string, number> = {};
    const causes: Record<string, number> = {};
    for (let seed = 1; seed <= repetitions; seed += 1) {
      const { controls, cause } = once(profile, noise, seed);
      causes[cause] = (causes[cause] ?? 0) + 1;
      for (const control of new Set(controls)) failed[control] = (failed[control] ?? 0) + 1;
    }
    console.log(profile, noise, repetitions, 'failed:', failed, 'causes:', causes);
  }
}

function once(
  profile: 'standard' | 'quick',
  noise: NoiseName,
  seed: number,
): { readonly controls: readonly string[]; readonly cause: string } {
  const { windows, windowSeconds, planted } = profiles[profile];
  const model = { ...noises[noise], medianMs: 40, sigma: 0.5 };
  const all = windows + planted.windows;
  const traffic = new Traffic(model, 1, all * windowSeconds, new FastRandom(seed, 7));
  const send = (arm: typeof BASELINE | typeof CANDIDATE, window: number) =>
    traffic.send(arm, window * windowSeconds, windowSeconds, PER_SECOND * windowSeconds);
  const sent = Array.from({ length: all }, (_, window) => ({
    baseline: send(BASELINE, window),
    other: send(window < windows ? CANDIDATE : BASELINE, window),
  }));
  const measurement = measurementOf(sent, {
    planned: windows,
    plantedWindows: planted.windows,
    plantedMs: planted.delayMs,
    windowSeconds,
  });
  const { cause, controls } = judge(measurement, thresholds, { seed, requirePlanted: true });
  return {
    cause,
    controls: controls.filter(({ passed }) => !passed).map(({ control }) => control),
  };
}
