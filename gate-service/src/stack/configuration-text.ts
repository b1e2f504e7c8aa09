/** Values written into httpd's configuration: quoted, and refused where httpd could read them as something else. */

/**
 * A quoted argument of an httpd directive. Throws a RangeError for what cannot be written safely:
 * control characters, quotes, backslashes, and `$` or `%`, which expand to variables.
 */
export function httpdArgument(value: string, what: string): string {
  if (!/^[^\p{Cc}"\\$%]+$/u.test(value)) {
    throw new RangeError(
      `${what} must not be empty or contain control characters, quotes, backslashes, $ or %: ${JSON.stringify(value)}.`,
    );
  }
  return `"${value}"`;
}
