import { parseArgs } from 'node:util';

export interface ClusterBenchOptions {
  /** Pushes of the build that is as fast as the one in production; each is promoted. */
  readonly pushes: number;
  /** Of weights, there and back. */
  readonly changes: number;
  /** Users' requests a second while weights change. */
  readonly perSecond: number;
}

const usage = `usage: npm run bench -- cluster [OPTION …]
  --pushes N   pushes, 0 to 100 (default 4)
  --changes N  changes of weights, 0 to 1000 (default 30)
  --rate N     requests per second while weights change, 1 to 1000 (default 200)`;

/** @throws Error with the usage */
export function readOptions(args: readonly string[]): ClusterBenchOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        pushes: { type: 'string', default: '4' },
        changes: { type: 'string', default: '30' },
        rate: { type: 'string', default: '200' },
      },
    }));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, {
      cause: error,
    });
  }
  return {
    pushes: whole('--pushes', values.pushes, 0, 100),
    changes: whole('--changes', values.changes, 0, 1000),
    perSecond: whole('--rate', values.rate, 1, 1000),
  };
}

function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option} ${text}: expected a whole number from ${least} to ${most}\n${usage}`);
}
