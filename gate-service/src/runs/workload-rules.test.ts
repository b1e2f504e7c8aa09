import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanRate, workloadSchema, type Workload } from '../load/workload.ts';
import { workloadLoosenings } from './workload-rules.ts';

const OVER_ALL = 'p95 <= baseline + 10%';
const names = ['cart', 'search', 'order', 'ping', 'image'];

const workloadOf = (rate: number, weights: readonly number[]): Workload =>
  workloadSchema.parse({
    rate,
    requests: weights.map((weight, index) => ({
      name: names[index],
      path: `/${names[index]!}`,
      weight,
    })),
  });

const weight = fc.double({ min: 0.01, max: 1000, noNaN: true });
const rate = fc.double({ min: 1, max: 5000, noNaN: true });
/** The catalogue has the first kinds of what is asked with; weights and rates differ at will, or not at all. */
const pair = fc
  .record({
    rates: fc.tuple(rate, rate),
    weights: fc.array(fc.tuple(weight, weight), { minLength: 1, maxLength: names.length }),
    ownKinds: fc.integer({ min: 1, max: names.length }),
    keeps: fc.boolean(),
    scale: fc.double({ min: 0.5, max: 4, noNaN: true }),
  })
  .map(({ keeps, ownKinds, rates, scale, weights }) => {
    const own = weights.slice(0, ownKinds).map(([mine]) => mine);
    const other = weights.map(([mine, theirs], index) =>
      keeps && index < own.length ? mine * 0.01 : theirs,
    );
    return {
      own: workloadOf(rates[0], own),
      requested: workloadOf(
        Math.min(9000, keeps ? rates[0] * scale : rates[1]),
        keeps ? other.slice(0, own.length) : other,
      ),
    };
  });

const share = (workload: Workload, wanted: readonly string[]): number => {
  const sum = (kinds: Workload['requests']): number =>
    kinds.reduce((total, own) => total + own.weight, 0);
  return (
    sum(workload.requests.filter(({ name }) => wanted.includes(name))) / sum(workload.requests)
  );
};

const subsets = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  items.reduce<(readonly T[])[]>(
    (all, item) => [...all, ...all.map((one) => [...one, item])],
    [[]],
  );

describe('a workload that asks for no less', () => {
  it('shows a threshold over all requests as much of whatever is slow, and sends as much of it', () => {
    let accepted = 0;
    fc.assert(
      fc.property(pair, ({ own, requested }) => {
        if (workloadLoosenings(requested, own, OVER_ALL).length > 0) return;
        accepted += 1;
        const kinds = own.requests.map(({ name }) => name);
        // Any kinds may be the slow ones: a quantile moves with the share that is slower.
        for (const slow of subsets(kinds)) {
          expect(share(requested, slow)).toBeGreaterThanOrEqual(share(own, slow) * 0.99);
          expect(share(requested, slow) * meanRate(requested)).toBeGreaterThanOrEqual(
            share(own, slow) * meanRate(own) * 0.99,
          );
        }
      }),
      { numRuns: 2000, seed: 5 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('is found among those that keep the shares at a rate as high', () => {
    const own = workloadOf(100, [3, 1]);
    expect(workloadLoosenings(workloadOf(100, [3, 1]), own, OVER_ALL)).toEqual([]);
    expect(workloadLoosenings(workloadOf(400, [0.3, 0.1]), own, OVER_ALL)).toEqual([]);
  });
});

describe('fast requests beside slow ones', () => {
  const own = workloadOf(100, [3, 1]);
  const diluted = workloadOf(1000, [3, 1, 36]);

  it('thin out a threshold over all requests, though as many of each are sent', () => {
    expect(workloadLoosenings(diluted, own, OVER_ALL)).toEqual([
      {
        words: `7.5 % instead of 75.0 % of the requests are cart, 2.5 % instead of 25.0 % of the requests are search, so that ${OVER_ALL}, judged over all requests, would see less of them`,
        field: '/workload/requests',
      },
    ]);
  });

  it('touch no threshold that names its kind', () => {
    expect(workloadLoosenings(diluted, own, undefined)).toEqual([]);
  });
});
