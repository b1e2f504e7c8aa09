import { expect, it } from 'vitest';
import { workloadSchema } from '../../load/workload.ts';
import type { Sample } from '../../load/sample.ts';
import type { JudgedMeasurement } from '../../judge/measurement.ts';
import { isSameWorkload, tuningContext } from './tuning-context.ts';

const resources = { cores: 2, memoryMiB: 4096, fileDescriptors: 65_536 };

/** The context of a workload whose answers take so long, and that takes so much CPU, times the noise. */
function contextOf({ cpu = 0.4, ms = 40, noise = 1, rate = 100, write = false } = {}) {
  const workload = workloadSchema.parse({
    rate,
    requests: [
      { name: 'cart', path: '/cart' },
      { name: 'order', path: '/order', ...(write ? { method: 'POST' } : {}) },
    ],
  });
  const samples = Array.from({ length: 100 }, (_, index): Sample => ({
    arm: 'candidate',
    launch: 'n1',
    window: 0,
    kind: 'cart',
    intendedUs: index * 1e5,
    latencyUs: Math.round(ms * noise * 1000 * (1 + index / 100)),
    status: 'ok',
  }));
  const seconds = 9.9 * 4 * cpu * noise;
  const measurement = {
    fitness: [],
    samples,
    cpuSecondsByWindow: [{ window: 0, arm: 'candidate', seconds }],
  } as unknown as JudgedMeasurement;
  return tuningContext({ measurement, workload }, 2, resources);
}

it('is the same for the same workload measured twice, wherever its values lie', () => {
  for (let ms = 1; ms < 500; ms *= 1.07) {
    for (const cpu of [0.05, 0.25, 0.45, 0.9]) {
      const [one, other] = [0.97, 1.03].map((noise) => contextOf({ ms, cpu, noise }));
      expect(isSameWorkload(one!, other!), `${ms.toFixed(1)} ms, CPU ${cpu}`).toBe(true);
    }
  }
});

it.each([
  ['rate', { rate: 120 }],
  ['time of an answer', { ms: 60 }],
  ['use of CPU', { cpu: 0.6 }],
  ['mix', { write: true }],
])('is another one for another %s', (_what, change) => {
  expect(isSameWorkload(contextOf(), contextOf(change))).toBe(false);
});

it('is another one where a feature is known of one only', () => {
  const { utilisation, ...rest } = contextOf();
  expect(utilisation).toBeGreaterThan(0);
  expect(isSameWorkload(contextOf(), rest)).toBe(false);
});
