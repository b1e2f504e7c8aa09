/** Latencies for tests with the real judge: log-normal waits around 40 ms, as the sample application has. */
import type { Sample } from '../../load/sample.ts';
import type { FakeSender } from './fake-measuring.ts';

/** Pairs in a window. */
const PAIRS = 60;

/** Mulberry32: good enough to draw waits for a test. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * @param scale an arm's waits are so many times as long
 * @param spread standard deviation of a wait's logarithm
 */
export function waits(
  sender: FakeSender,
  scale: (arm: Sample['arm']) => number,
  spread = 0.5,
): void {
  sender.windowSamples = (plan, window, planted, launchOf) => {
    const random = randomFrom(plan.seed + window * 1000);
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const arms = planted
      ? [plan.arms[0].name, 'planted' as const]
      : plan.arms.map(({ name }) => name);
    return Array.from({ length: PAIRS }, (_, pair) =>
      arms.map((arm): Sample => {
        const own = arm === 'planted' ? plan.arms[0].name : arm;
        const wait = 40_000 * Math.exp(spread * normal()) * scale(own);
        return {
          arm,
          launch: launchOf(own),
          window,
          kind: 'cart',
          intendedUs: (window + 10) * plan.windowSeconds * 1e6 + pair * 1000,
          latencyUs: Math.round(
            wait + (arm === 'planted' ? (plan.planted?.delayMs ?? 0) * 1000 : 0),
          ),
          status: 'ok',
        };
      }),
    ).flat();
  };
}
