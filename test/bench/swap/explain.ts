/** What failed requests have in common, for a person. Pure. */
import type { Exchange } from './exchange.ts';
import { AFTERMATH_US, countBy, split, type Window } from './row.ts';

const CONNECTIONS: Readonly<Record<Exchange['connection'], string>> = {
  reused: 'on a kept connection that was used before',
  opened: 'first on a connection that is then kept',
  fresh: 'on a connection of its own',
  unsent: 'never written',
};

/** What is known to fail requests, and how it is recognized. */
const CAUSES: readonly {
  readonly fits: (exchange: Exchange) => boolean;
  readonly lines: readonly string[];
}[] = [
  {
    fits: ({ connection, failure }) =>
      connection === 'reused' && failure === 'closed before the answer',
    lines: [
      'httpd closed a kept connection on which a request was just written; no byte of an answer came. It ends idle',
      'connections of the old generation at a graceful restart (HTTP/1.1 knows no word for that), and, swap or not,',
      'those of a child whose workers are all busy. A client has to repeat such a request itself.',
    ],
  },
  {
    fits: ({ failure }) => failure?.includes('connection termination') === true,
    lines: [
      'httpd closed a connection of the proxy on which a request was just written. In rotation it does so, swap or',
      'not, when all workers of a child are busy: its idle kept connections go (event MPM). The proxy does not',
      'repeat a request that was written, for it may have had an effect.',
    ],
  },
  {
    fits: ({ failure }) => failure?.includes('no healthy upstream') === true,
    lines: [
      'All nodes were out of rotation: ejected for failures, or their health checks timed out.',
    ],
  },
];

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
  const span = after.length === 0 ? '' : `, ${after[0]} to ${after.at(-1)} ms after a swap began`;
  const groups = countBy(
    failed,
    (one) => `${one.method}, ${CONNECTIONS[one.connection]}: ${one.failure ?? ''}`,
  );
  const explained = CAUSES.flatMap(({ fits, lines }) => {
    const count = failed.filter(fits).length;
    return count === 0 ? [] : [`  of these ${count}: ${lines.join(' ')}`];
  });
  const rest = failed.filter((one) => !CAUSES.some(({ fits }) => fits(one))).length;
  return [
    `${failed.length} failed: ${inside.length} in ${hit} of ${windows.length} swaps${span}; ${outside.length} between swaps`,
    ...Object.entries(groups).map(([what, count]) => `  ${count} × ${what}`),
    ...explained,
    ...(rest === 0 ? [] : [`  of these ${rest}: no known cause fits; look at them.`]),
  ];
}

/** One line for each failure, in the order of their ends, with the time of day at which it ended. */
export function listFailures(
  windows: readonly Window[],
  exchanges: readonly Exchange[],
  clock: { readonly monotonicUs: number; readonly epochMs: number },
): readonly string[] {
  return exchanges
    .filter(({ failure }) => failure !== undefined)
    .map((one) => {
      const at = new Date(clock.epochMs + (one.endedUs - clock.monotonicUs) / 1000);
      const swap = windows.findLastIndex(({ fromUs }) => fromUs <= one.endedUs) + 1;
      const tookMs = Math.round((one.endedUs - one.dispatchedUs) / 1000);
      return `${at.toISOString()} after the start of swap ${swap}, ${tookMs} ms under way, ${one.method} ${one.connection}: ${one.failure ?? ''}`;
    });
}

/** From the start of the latest swap that it met to its failure, whole milliseconds. */
function sinceSwapMs(windows: readonly Window[], { endedUs, intendedUs }: Exchange): number {
  const met = windows.findLast(
    ({ fromUs, toUs }) => endedUs >= fromUs && intendedUs <= toUs + AFTERMATH_US,
  );
  return Math.round((endedUs - (met?.fromUs ?? endedUs)) / 1000);
}
