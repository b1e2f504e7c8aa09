/** Numbers with their units, for people. */
import type { ThresholdOutcome } from '../api/types.ts';
import type { Axis } from './thresholds.ts';

const MINUS = '−';

function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? MINUS : '+'}${text}`;
}

function plain(value: number, digits: number): string {
  return `${value < 0 ? MINUS : ''}${Math.abs(value).toFixed(digits)}`;
}

const digitsOf = (value: number): number =>
  Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;

/** An effect, a bound of its interval, or a limit: a difference has a sign, a value has none. */
export function amount(value: number | undefined, axis: Axis): string {
  if (value === undefined) return 'unknown';
  switch (axis) {
    case 'relative-change':
      return `${signed(value * 100, 1)} %`;
    case 'share-change':
      return `${signed(value * 100, 2)} points`;
    case 'ms-change':
      return milliseconds(value, signed);
    case 'share':
      return `${plain(value * 100, 2)} %`;
    case 'ms':
      return milliseconds(value, plain);
    case 'per-second':
      return `${plain(value, digitsOf(value))}/s`;
  }
}

function milliseconds(value: number, format: typeof signed): string {
  return Math.abs(value) >= 10_000
    ? `${format(value / 1000, 1)} s`
    : `${format(value, digitsOf(value))} ms`;
}

/** What one arm measured, e.g. `12.3 ms`. */
export function measured(value: number | undefined, unit: ThresholdOutcome['valueUnit']): string {
  if (value === undefined) return 'unknown';
  if (unit === 'share') return `${plain(value * 100, 2)} %`;
  if (unit === 'per-second') return `${plain(value, digitsOf(value))}/s`;
  if (unit === 'cpu-ms') return `${plain(value, digitsOf(value))} ms of CPU`;
  return milliseconds(value, plain);
}

/** A duration, e.g. `4 s` or `2 min 5 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds < 9.95 && whole !== seconds) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** e.g. `1 run`, `2 runs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
