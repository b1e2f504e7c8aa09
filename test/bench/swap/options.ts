import { parseArgs } from 'node:util';

export interface SwapBenchOptions {
  /** Of each way; weights are changed two and a half times as often. */
  readonly swaps: number;
  readonly weightChanges: number;
  readonly perSecond: number;
  /** Rows to measure, like `route:proxy`; all when empty. */
  readonly only: readonly string[];
  /** Also what the platform says, and each failed request, goes to standard error. */
  readonly verbose: boolean;
}

export const ROWS = [
  'route:proxy',
  'graceful:proxy',
  'replace:proxy',
  'weights:proxy',
  'route:direct',
  'graceful:direct',
] as const;
export type RowName = (typeof ROWS)[number];

const usage = `usage: npm run bench -- swap [OPTION …]
  --swaps N    swaps of each way, 1 to 1000 (default 20, with 50 changes of weights)
  --rate N     requests per second, 1 to 2000 (default 300)
  --only ROWS  some rows, separated by commas: ${ROWS.join(', ')}
  --verbose    say what the platform does and list failed requests`;

/** @throws Error with the usage */
export function readOptions(args: readonly string[]): SwapBenchOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        swaps: { type: 'string', default: '20' },
        rate: { type: 'string', default: '300' },
        only: { type: 'string', default: '' },
        verbose: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, {
      cause: error,
    });
  }
  const only = values.only.split(',').filter((word) => word !== '');
  const unknown = only.find((word) => !ROWS.some((row) => row === word));
  if (unknown !== undefined) throw new Error(`--only: there is no row "${unknown}"\n${usage}`);
  const swaps = whole('--swaps', values.swaps, 1000);
  return {
    swaps,
    weightChanges: Math.ceil(swaps * 2.5),
    perSecond: whole('--rate', values.rate, 2000),
    only,
    verbose: values.verbose,
  };
}

function whole(option: string, text: string, maximum: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= maximum) return number;
  throw new Error(`${option} ${text}: expected a whole number from 1 to ${maximum}\n${usage}`);
}
