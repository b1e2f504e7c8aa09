import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaleOver } from './scale.ts';

const effect = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('a scale', () => {
  it('has zero and every value on it, in their order, with round ticks inside', () => {
    fc.assert(
      fc.property(fc.array(effect, { minLength: 1, maxLength: 12 }), (values) => {
        const scale = scaleOver([...values, undefined, Infinity]);
        const places = [0, ...values].toSorted((a, b) => a - b).map((value) => scale.at(value));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...places)).toBeLessThanOrEqual(100);
        expect(scale.ticks.length).toBeGreaterThan(0);
        expect(scale.ticks.length).toBeLessThanOrEqual(7);
        expect(scale.ticks.every((tick) => tick >= scale.low && tick <= scale.high)).toBe(true);
      }),
    );
  });

  it('has a place for zero where there is nothing else', () => {
    const scale = scaleOver([0, undefined]);
    expect(scale.at(0)).toBe(0);
    expect(scale.ticks[0]).toBe(0);
  });

  it('draws what is to scale: twice the effect lies twice as far from zero', () => {
    const scale = scaleOver([-0.1, 0.2]);
    const zero = scale.at(0);
    expect(scale.at(0.2) - zero).toBeCloseTo(2 * (scale.at(0.1) - zero), 9);
    expect(scale.ticks).toEqual([-0.1, 0, 0.1, 0.2]);
  });
});
