/** Numbers in sentences for people. */

/** Ratios from here on are multiples: "+4,900.0 %" says less than "50 times". */
const MULTIPLE_FROM = 9;

/** Four significant digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A change with its sign: `-0.1` is `-10.0 %`, `49` is `50 times as much`. */
export function signedPercent(ratio: number): string {
  if (ratio >= MULTIPLE_FROM) return `${short(1 + ratio)} times as much`;
  return `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`;
}

/**
 * A change for people: as percentage, or as difference in the value's own unit where values may be 0
 * or less and a percentage of them would mislead.
 * @param reference what a change of 1 is in the value's unit; absent: changes are ratios
 */
export function changeInWords(change: number, reference?: number): string {
  if (reference === undefined) return signedPercent(change);
  const difference = change * reference;
  return `${difference >= 0 ? '+' : ''}${short(difference)}`;
}
