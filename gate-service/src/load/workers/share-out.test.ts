import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { createPairing } from '../pairing.ts';
import { measurementPlanSchema } from '../plan.ts';
import type { MeasurementPlan } from '../sender.ts';
import { loadWorkload } from '../workload-file.ts';
import { workersFor } from './fleet-sender.ts';
import { shareOut } from './share-out.ts';
import { SharedArrivals } from './shared-arrivals.ts';

const plan: MeasurementPlan = {
  target: { host: '127.0.0.1', port: 1 },
  authority: 'checkout.test',
  arms: [
    { name: 'baseline', headers: {} },
    { name: 'candidate', headers: {} },
  ],
  workload: loadWorkload('rate: 100\nrequests: [{ name: read, path: /read }]\n'),
  pairsPerSecond: 100,
  arrivals: 'constant',
  windowSeconds: 1,
  windows: 10,
  warmup: { minSeconds: 0, maxSeconds: 0, minRequests: 0 },
  limits: { connections: 10, requestTimeoutMs: 1000, maxSeconds: 60 },
  freshConnections: 0,
  seed: 7,
  ownPids: [1],
};

/** Requests of a part in a second that begins so late. */
function sent(part: MeasurementPlan, from = 0, share = part.share): readonly number[] {
  const arrivals = new SharedArrivals(part, part.share!, createRandom(part.seed, 'arrivals'));
  arrivals.take(share!);
  const times: number[] = [];
  for (let at = arrivals.next(); at < (from + 1) * 1e6; at = arrivals.next()) {
    if (at >= from * 1e6) times.push(at);
  }
  return times;
}

describe('shareOut', () => {
  it.each([1, 2, 3, 7])('%d parts are plans that together have rate and connections', (n) => {
    const parts = shareOut(plan, n);
    const sum = (of: (part: MeasurementPlan) => number): number =>
      parts.reduce((total, part) => total + of(part), 0);
    expect(sum(({ pairsPerSecond }) => pairsPerSecond)).toBeCloseTo(100, 9);
    expect(sum(({ limits }) => limits.connections)).toBe(10);
    expect(new Set(parts.map(({ seed }) => seed)).size).toBe(n);
    for (const part of parts) {
      expect(measurementPlanSchema.safeParse(part).error).toBeUndefined();
      // Processes of another machine.
      expect(part).toMatchObject({ contained: true });
      expect('ownPids' in part).toBe(false);
    }
  });

  it('constant arrivals stand evenly between each other', () => {
    const times = shareOut(plan, 3)
      .flatMap((part) => sent(part))
      .sort((a, b) => a - b);
    expect(times).toHaveLength(200);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    for (const gap of gaps) expect(gap).toBeCloseTo(5000, 3);
  });

  it('Poisson arrivals have the rate of the sum, also when one takes another part over', () => {
    const parts = shareOut({ ...plan, arrivals: 'poisson', pairsPerSecond: 5000 }, 2);
    const both = parts.flatMap((part) => sent(part)).length;
    expect(Math.abs(both - 10_000)).toBeLessThan(500);
    const alone = sent(parts[0]!, 3, { place: 0, of: 1 }).length;
    expect(Math.abs(alone - 10_000)).toBeLessThan(500);
  });

  it('times never fall when a part changes', () => {
    const [part] = shareOut(plan, 2);
    const arrivals = new SharedArrivals(part!, part!.share!, createRandom(1));
    const before = Array.from({ length: 50 }, () => arrivals.next());
    arrivals.take({ place: 0, of: 1 });
    expect(arrivals.next()).toBeGreaterThanOrEqual(before.at(-1)!);
  });

  it('numbers of pairs are drawn once over all workers', () => {
    const numbers = shareOut(plan, 3).flatMap((part) => {
      const pairing = createPairing({
        weights: [1],
        freshConnections: 0,
        seed: part.seed,
        ...(part.share && { share: part.share }),
      });
      return Array.from({ length: 4 }, () => pairing.next().sequence);
    });
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it.each([0, 1.5, 11])('refuses %d workers for 10 connections', (workers) => {
    expect(() => shareOut(plan, workers)).toThrow(RangeError);
  });

  it('refuses to share blocks out', () => {
    const blocks = { ...plan, windowSeconds: 4, blocks: { seconds: 2 } };
    expect(() => shareOut(blocks, 2)).toThrow('blocks');
    expect(workersFor(blocks, 4)).toBe(1);
  });
});

it('takes as many workers as have enough to do', () => {
  expect(workersFor(plan, 4)).toBe(4);
  expect(workersFor({ ...plan, pairsPerSecond: 50 }, 4)).toBe(2);
  expect(workersFor({ ...plan, pairsPerSecond: 1 }, 4)).toBe(1);
});
