import { expect, it } from 'vitest';
import type { ArmName, Measurement, Sample } from '../../load/sample.ts';
import { countedSamples } from './counted-samples.ts';
import { cpuShareOf } from './node-telemetry.ts';
import { standingOf, tuningLimits } from './tuning-limits.ts';

/** Ten requests of each arm a window, evenly over a second; those of a slow window take longer. */
function measured(
  windows: number,
  slow: readonly number[],
): Pick<Measurement, 'fitness' | 'samples'> {
  const arms: readonly ArmName[] = ['candidate', 'challenger'];
  const samples = Array.from({ length: windows }, (_, window) =>
    arms.flatMap((arm) =>
      Array.from({ length: 10 }, (__, index): Sample => ({
        arm,
        launch: 'n1',
        window,
        kind: 'cart',
        intendedUs: (window * 10 + index) * 1e5,
        latencyUs: slow.includes(window) ? 300_000 : 40_000,
        status: 'ok',
      })),
    ),
  ).flat();
  const fitness = Array.from({ length: windows }, (_, window) => ({
    window,
    latenessP99Us: 100,
    runQueueShare: 0,
    foreignCores: slow.includes(window) ? 1.5 : 0.1,
    sent: 20,
    received: 20,
  }));
  return { fitness, samples };
}

it('are those of windows that the machine has not spoilt', () => {
  const counted = countedSamples(measured(8, [2, 5]), 'challenger');
  expect(counted).toHaveLength(60);
  expect(counted.every(({ arm, latencyUs }) => arm === 'challenger' && latencyUs === 40_000)).toBe(
    true,
  );
});

it('decide alone whether a limit was broken', () => {
  const limits = tuningLimits(['p95 <= 100ms']);
  expect(standingOf(measured(8, [2, 5]), 'challenger', limits).metrics).toEqual({ p95: 40 });
});

it('leave the use of CPU as it is where some windows were not told', () => {
  const { fitness, samples } = measured(8, []);
  const told = (windows: readonly number[]) =>
    cpuShareOf(
      {
        measurement: {
          ...{ fitness, samples, windowsPlanned: 8 },
          cpuSecondsByWindow: windows.map((window) => ({
            window,
            arm: 'candidate' as const,
            seconds: 0.5,
          })),
        },
      },
      2,
    );
  expect(told([0, 1, 2, 3, 4, 5, 6, 7])).toBeCloseTo(0.25, 1);
  expect(told([0, 1, 4, 6])).toBeCloseTo(told([0, 1, 2, 3, 4, 5, 6, 7])!, 9);
});
