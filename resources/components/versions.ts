/** Reads and compares dotted version numbers. */

/** The first dotted number in `text` after `marker`, or undefined. */
export function versionAfter(text: string, marker: RegExp): string | undefined {
  const found = marker.exec(text);
  if (found === null) return undefined;
  return /^\D*?(\d+(?:\.\d+)*)/.exec(text.slice(found.index + found[0].length))?.[1];
}

/** Whether `version` is `minimum` or newer, compared number by number; what is missing counts as 0. */
export function isAtLeast(version: string, minimum: string): boolean {
  const a = version.split('.').map(Number);
  const b = minimum.split('.').map(Number);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
