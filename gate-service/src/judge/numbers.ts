/** Numbers as people read them: few digits, a unit, plain ASCII for the logs of old terminals. */

/**
 * 0.0234 → `2.3 %`; more digits for small shares.
 * @param more digits than usual, where two numbers would look alike
 */
export function percent(share: number, more = 0): string {
  const value = share * 100;
  const digits = value !== 0 && Math.abs(value) < 0.1 ? 3 : Math.abs(value) < 1 ? 2 : 1;
  return `${trim(value, digits + more)} %`;
}

/** As percent, with a sign. */
export function signedPercent(ratio: number, more = 0): string {
  return `${ratio >= 0 ? '+' : ''}${trim(ratio * 100, 1 + more)} %`;
}

export function milliseconds(value: number, more = 0): string {
  const size = Math.abs(value);
  return `${trim(value, (size < 1 ? 3 : size < 10 ? 2 : 1) + more)} ms`;
}

function trim(value: number, digits: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'unbounded' : value < 0 ? '-unbounded' : '?';
  const text = value.toFixed(digits);
  const short = text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
  return short === '-0' ? '0' : short;
}
