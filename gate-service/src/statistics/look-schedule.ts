/** At how many counted windows a comparison is looked at (measuring.md §5). */

/** Fewer windows than this decide nothing. */
export const MINIMUM_WINDOWS = 6;

const FRACTIONS = [1 / 3, 1 / 2, 2 / 3, 5 / 6, 1];

/** Numbers of counted windows at which to look, ascending; the last is `planned`. Empty below the minimum. */
export function lookSchedule(planned: number): number[] {
  const looks = FRACTIONS.map((fraction) => Math.ceil(planned * fraction - 1e-9));
  return [...new Set(looks)].filter((count) => count >= MINIMUM_WINDOWS);
}
