import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bestOf, drift, readingOf } from './worker-clock.ts';

it('knows the offset to half of the time on the way, however lopsided it was', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (offset, there, back) => {
        const asked = 5e9;
        const { errorUs, offsetUs } = readingOf(
          asked,
          asked + there + offset,
          asked + there + back,
        );
        expect(Math.abs(offsetUs - offset)).toBeLessThanOrEqual(errorUs + 0.01);
      },
    ),
  );
});

it('takes the reading with the shortest way', () => {
  const short = { offsetUs: 5, errorUs: 1 };
  expect(bestOf([{ offsetUs: 90, errorUs: 50 }, short, { offsetUs: 7, errorUs: 2 }])).toBe(short);
  expect(bestOf([])).toBeUndefined();
});

it('sees a clock that runs away only beyond what the readings may be wrong by', () => {
  expect(drift({ offsetUs: 0, errorUs: 10 }, { offsetUs: 25, errorUs: 20 })).toBe(0);
  expect(drift({ offsetUs: 0, errorUs: 10 }, { offsetUs: 100, errorUs: 20 })).toBe(70);
});
