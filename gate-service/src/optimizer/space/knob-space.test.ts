import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  booleanKnob,
  categoricalKnob,
  describeIllegalValue,
  integerKnob,
  realKnob,
} from './knob.ts';
import type { Knob } from './knob.ts';
import { createKnobSpace } from './knob-space.ts';
import { fromUnitInterval, toUnitInterval } from './unit-interval.ts';

const threads = integerKnob({
  description: 'pool',
  unit: 'threads',
  scale: 'log',
  minimum: 1,
  maximum: 400,
});
const share = realKnob({
  description: 'share',
  unit: '',
  scale: 'linear',
  minimum: -1,
  maximum: 1,
});
const kept = booleanKnob({ description: 'kept' });
const kind = categoricalKnob({ description: 'kind', categories: ['a', 'b', 'c'] });
const KNOBS: readonly Knob[] = [threads, share, kept, kind];

describe('a knob', () => {
  it.each([
    () => integerKnob({ description: '', unit: '', scale: 'linear', minimum: 2, maximum: 2 }),
    () => integerKnob({ description: '', unit: '', scale: 'linear', minimum: 0.5, maximum: 2 }),
    () => integerKnob({ description: '', unit: '', scale: 'log', minimum: 0, maximum: 2 }),
    () => realKnob({ description: '', unit: '', scale: 'linear', minimum: 0, maximum: Infinity }),
    () => realKnob({ description: '', unit: '', scale: 'linear', minimum: Number.NaN, maximum: 1 }),
    () => categoricalKnob({ description: '', categories: ['a'] }),
    () => categoricalKnob({ description: '', categories: ['a', 'a'] }),
  ])('that makes no sense cannot be defined (%#)', (define) => {
    expect(define).toThrow(RangeError);
  });

  it('cannot be changed', () => {
    expect(KNOBS.every((knob) => Object.isFrozen(knob))).toBe(true);
    expect(Object.isFrozen(kind.categories)).toBe(true);
  });

  it('says what is wrong with a value, whatever it is', () => {
    expect(describeIllegalValue(threads, 1.5)).toBe(
      'must be a whole number within 1..400 threads, got 1.5',
    );
    expect(describeIllegalValue(threads, 401)).toContain('got 401');
    expect(describeIllegalValue(threads, '7')).toContain('got "7"');
    expect(describeIllegalValue(threads, Number.NaN)).toContain('got NaN');
    expect(describeIllegalValue(kind, 'd')).toBe('must be one of a, b, c, got "d"');
    expect(describeIllegalValue(kept, 1)).toBe('must be true or false, got 1');
    fc.assert(
      fc.property(fc.constantFrom(...KNOBS), fc.anything({ withBigInt: true }), (knob, value) => {
        describeIllegalValue(knob, value);
      }),
    );
  });

  it('maps to the unit interval and back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KNOBS),
        fc.double({ min: -1, max: 2, noNaN: true }),
        (knob, place) => {
          const value = fromUnitInterval(knob, place);
          expect(describeIllegalValue(knob, value)).toBeUndefined();
          const back = fromUnitInterval(knob, toUnitInterval(knob, value));
          if (typeof value === 'number') expect(back).toBeCloseTo(value, 9);
          else expect(back).toBe(value);
        },
      ),
    );
    expect(toUnitInterval(threads, 20)).toBeCloseTo(0.5);
    expect(toUnitInterval(kind, 'b')).toBe(0.5);
  });
});

describe('a knob space', () => {
  const space = createKnobSpace({
    knobs: {
      low: threads,
      high: threads,
      kept,
      time: { ...threads, deactivatedBy: { knob: 'kept', value: false } },
    },
    constraints: [
      {
        name: 'in-order',
        holds: (v, limit: number) => v.low <= v.high && v.high <= limit,
        message: (v, limit) => `low ${v.low} must not exceed high ${v.high}, nor that ${limit}.`,
      },
    ],
  });
  const legal = { low: 1, high: 2, kept: true, time: 3 };

  it('hands back a frozen copy in its own order', () => {
    const checked = space.check({ time: 3, kept: true, high: 2, low: 1 }, 10);
    expect(checked).toEqual({ ok: true, values: legal });
    expect(checked.ok && Object.isFrozen(checked.values) && Object.keys(checked.values)).toEqual(
      Object.keys(legal),
    );
  });

  it('reports every wrong value at once, and constraints only among legal ones', () => {
    const rules = (values: unknown) => {
      const checked = space.check(values, 10);
      return checked.ok ? [] : checked.violations.map((one) => one.rule);
    };
    expect(rules({ low: 0, high: 'x', kept: true, extra: 1 })).toEqual([
      'illegal-value',
      'illegal-value',
      'missing-knob',
      'unknown-knob',
    ]);
    expect(rules({ ...legal, high: 11 })).toEqual(['in-order']);
    expect([null, undefined, 3, 'x', []].flatMap(rules)).toEqual(Array(5).fill('not-an-object'));
    // A value that is only inherited is none.
    expect(rules(Object.create(legal))).toEqual(Array(4).fill('missing-knob'));
  });

  it('knows which knobs have an effect', () => {
    expect(space.isActive('time', legal)).toBe(true);
    expect(space.isActive('time', { ...legal, kept: false })).toBe(false);
  });

  it('refuses a deactivation that cannot be, and a name used twice', () => {
    const knobs = (knob: string, value: number | boolean) => ({
      kept,
      time: { ...threads, deactivatedBy: { knob, value } },
    });
    for (const bad of [knobs('gone', true), knobs('kept', 3), knobs('time', 3)]) {
      expect(() => createKnobSpace({ knobs: bad, constraints: [] })).toThrow(RangeError);
    }
    const rule = { name: 'same', holds: () => true, message: () => '' };
    expect(() => createKnobSpace({ knobs: { kept }, constraints: [rule, rule] })).toThrow('same');
  });
});
