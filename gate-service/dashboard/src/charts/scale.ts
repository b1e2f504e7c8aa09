/** One linear scale for all that is drawn on a chart, and the ticks on it. Positions are per cent of its width. */

export interface Scale {
  readonly low: number;
  readonly high: number;
  /** 0–100; what lies beyond an end is drawn at that end. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** A scale on which zero and all of the values lie, with some air around them. Infinite values are left out. */
export function scaleOver(values: readonly (number | undefined)[]): Scale {
  const finite = [0, ...values.filter((value) => value !== undefined)].filter(Number.isFinite);
  const least = Math.min(...finite);
  const most = Math.max(...finite);
  const air = (most - least) * 0.08 || 1;
  const low = least < 0 ? least - air : 0;
  // Where every value is zero there is still a scale, with zero at its beginning.
  const high = most > 0 || least === 0 ? most + air : 0;
  return {
    low,
    high,
    at: (value) => Math.min(100, Math.max(0, ((value - low) / (high - low)) * 100)),
    ticks: ticksBetween(low, high),
  };
}

/** Round numbers between two ends, at most six: 1, 2 or 5 times a power of ten apart. */
export function ticksBetween(low: number, high: number): readonly number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  // Multiplied, not added up, and without the dust of binary fractions.
  return Array.from({ length: count }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
