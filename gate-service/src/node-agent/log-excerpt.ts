/** The part of a component's log that tells why it failed. */

const LONGEST_EXCERPT_LINES = 12;
const TELLING = /^Caused by: |(Exception|Error)\b|Address already in use/;

/**
 * The last cause of the first exception in a log and the lines around it that name it, without
 * stack frames; the last lines where there is no exception.
 */
export function excerptOf(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => TELLING.test(line) && !/^\s+at /.test(line));
  const chosen =
    telling.length > 0 ? [...new Set(telling)].slice(0, LONGEST_EXCERPT_LINES) : lines.slice(-5);
  return chosen.map((line) => line.trim().slice(0, 400)).join('\n');
}
