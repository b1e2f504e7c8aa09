/** What failed requests have in common, for a person. Pure. */
import type { Exchange } from './exchange.ts';
import { AFTERMATH_US, countBy, split, type Window } from './row.ts';

const REUSED: Readonly<Record<Exchange['connection'], string>> = {
  reused: 'on a kept connection that was used before',
  opened: 'first on a connection that is then kept',
  fresh: 'on a connection of its own',
  unsent: 'never written',
};

/** Lines on the failures, none when there were none. */
export function explainFailures(
  windows: readonly Window[],
  exchanges: readonly Exchange[],
): readonly string[] {
  const failed = exchanges.filter(({ failure }) => failure !== undefined);
  if (failed.length === 0) return [];
  const { inside, outside } = split(windows, failed);
  const hit = windows.filter((window) => split([window], failed).inside.length > 0).length;
  const after = inside.map((one) => sinceSwapMs(windows, one)).sort((a, b) => a - b);
  const groups = countBy(
    failed,
    (one) => `${one.method}, ${REUSED[one.connection]}: ${one.failure ?? ''}`,
  );
  const span = after.length === 0 ? '' : `, ${after[0]} to ${after.at(-1)} ms after a swap began`;
  const lines = [
    `${failed.length} failed: ${inside.length} in ${hit} of ${windows.length} swaps${span}; ${outside.length} between swaps`,
    ...Object.entries(groups).map(([what, count]) => `  ${count} × ${what}`),
  ];
  const closed = inside.filter(isClosedUnderRequest).length;
  if (closed > 0) {
    lines.push(
      `  ${closed} of them met httpd closing a kept connection: a child of the old generation ends its connections without`,
      '  a word (HTTP/1.1 knows none for an idle one), and these requests were written just then; no byte of an answer came.',
      '  The proxy in front repeats such a request on another connection (reset before request); a direct client has to itself.',
    );
  }
  const rest = failed.length - closed;
  if (rest > 0) lines.push(`  ${rest} of them are not explained by that; look at them.`);
  return lines;
}

function isClosedUnderRequest({ connection, failure }: Exchange): boolean {
  return connection === 'reused' && failure === 'closed before the answer';
}

/** From the start of the latest swap that it met to its failure, whole milliseconds. */
function sinceSwapMs(windows: readonly Window[], { endedUs, intendedUs }: Exchange): number {
  const met = windows.findLast(
    ({ fromUs, toUs }) => endedUs >= fromUs && intendedUs <= toUs + AFTERMATH_US,
  );
  return Math.round((endedUs - (met?.fromUs ?? endedUs)) / 1000);
}
