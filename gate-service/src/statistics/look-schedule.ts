/**
 * At how many counted windows a comparison is looked at: from a third on, at every twelfth. More looks
 * settle a plain case sooner and cost little at the end, where fewer would leave a little more error.
 */

/** Fewer windows than this decide nothing. */
export const MINIMUM_WINDOWS = 6;

const FRACTIONS = [4, 5, 6, 7, 8, 9, 10, 11, 12].map((twelfths) => twelfths / 12);

/** Numbers of counted windows at which to look, ascending; the last is `planned`. Empty below the minimum. */
export function lookSchedule(planned: number): number[] {
  const looks = FRACTIONS.map((fraction) => Math.ceil(planned * fraction - 1e-9));
  return [...new Set(looks)].filter((count) => count >= MINIMUM_WINDOWS);
}
