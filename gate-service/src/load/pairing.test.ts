import { describe, expect, it } from 'vitest';
import { createPairing, type Pair, type PairingOptions } from './pairing.ts';

const take = (count: number, options: Partial<PairingOptions> = {}): Pair[] => {
  const pairing = createPairing({ weights: [1], freshConnections: 0, seed: 5, ...options });
  return Array.from({ length: count }, () => pairing.next());
};

describe('createPairing', () => {
  it('counts from 1 and is reproducible', () => {
    expect(take(3).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(take(500, { weights: [1, 2] })).toEqual(take(500, { weights: [1, 2] }));
  });

  it('puts each arm first half of the time, without a pattern', () => {
    const firsts = take(10_000).map(({ firstArm }) => firstArm);
    const ones = firsts.filter((arm) => arm === 1).length;
    expect(Math.abs(ones - 5000)).toBeLessThan(200);
    const changes = firsts.filter((arm, i) => i > 0 && arm !== firsts[i - 1]).length;
    expect(Math.abs(changes - 5000)).toBeLessThan(200);
  });

  it('draws kinds by weight', () => {
    const kinds = take(10_000, { weights: [1, 0.5, 2.5] }).map(({ kind }) => kind);
    const shares = [0, 1, 2].map((kind) => kinds.filter((k) => k === kind).length / 10_000);
    expect(shares[0]).toBeCloseTo(0.25, 1);
    expect(shares[1]).toBeCloseTo(0.125, 1);
    expect(shares[2]).toBeCloseTo(0.625, 1);
  });

  it('draws fresh connections by share and leaves payload and order alone', () => {
    const kept = take(4000, { weights: [1, 1] });
    const half = take(4000, { weights: [1, 1], freshConnections: 0.5 });
    expect(Math.abs(half.filter(({ fresh }) => fresh).length - 2000)).toBeLessThan(150);
    expect(kept.every(({ fresh }) => !fresh)).toBe(true);
    expect(take(100, { freshConnections: 1 }).every(({ fresh }) => fresh)).toBe(true);
    const payload = (pairs: Pair[]): string[] =>
      pairs.map(({ kind, firstArm }) => `${kind}/${firstArm}`);
    expect(payload(half)).toEqual(payload(kept));
  });

  it('refuses a workload without requests or with odd weights', () => {
    expect(() => take(1, { weights: [] })).toThrow('at least one request');
    expect(() => take(1, { weights: [1, 0] })).toThrow('weights are positive numbers, got 1, 0');
    expect(() => take(1, { weights: [Number.NaN] })).toThrow(RangeError);
  });
});
