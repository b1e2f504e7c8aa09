/** Single fields of a sample file: text in, checked values out. Pure. */

/** What is wrong with a field; whoever knows the line adds it. */
export class FieldError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'FieldError';
  }
}

const INTEGER = /^-?\d{1,15}$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
/** Further from zero no window of a measurement can be. */
const MAX_WINDOW = 1_000_000;
/** Longest part of a file that an error repeats. */
const MAX_QUOTED = 60;

/** Foreign text as an error may show it: short, and without characters that a terminal would obey. */
export function quoted(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return `"${short.replace(/\p{C}/gu, '\u{fffd}')}"`;
}

/** @throws FieldError */
export function parseInteger(name: string, text: string): number {
  if (!INTEGER.test(text)) {
    throw new FieldError(`${name} is a whole number, got ${quoted(text)}`);
  }
  return Number(text);
}

/** @throws FieldError */
export function parseWindow(text: string): number {
  const window = parseInteger('window', text);
  if (Math.abs(window) > MAX_WINDOW) {
    throw new FieldError(`no measurement has a window ${text}: at most ${MAX_WINDOW}`);
  }
  return window;
}

/** @throws FieldError */
export function parseCount(name: string, text: string): number {
  const value = parseInteger(name, text);
  if (value < 0) throw new FieldError(`${name} is a count, got ${text}`);
  return value;
}

/**
 * Decimal, possibly with an exponent; a negative time is passed on: it is the judge who calls a
 * measurement impossible.
 * @throws FieldError for NaN, infinity, hexadecimal, nothing
 */
export function parseNumber(name: string, text: string): number {
  const plain = smallInteger(text);
  if (plain >= 0) return plain;
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) {
    throw new FieldError(`${name} is a number, got ${quoted(text)}`);
  }
  return value;
}

/** @throws FieldError */
export function parseAmount(name: string, text: string): number {
  const value = parseNumber(name, text);
  if (value < 0) throw new FieldError(`${name} is not negative, got ${text}`);
  return value;
}

/** Up to 15 digits, as nearly all numbers in a file are, without the price of a pattern; −1 for anything else. */
function smallInteger(text: string): number {
  if (text.length === 0 || text.length > 15) return -1;
  let value = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}
