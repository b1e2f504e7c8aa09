import { parseArgs } from 'node:util';

export interface SenderBenchOptions {
  /** Of each load, after its first second. */
  readonly seconds: number;
}

const usage = `usage: npm run bench -- sender [OPTION …]
  --seconds N  of each load, 4 to 120 (default 10); there are twelve loads`;

/** @throws Error with the usage */
export function readOptions(args: readonly string[]): SenderBenchOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { seconds: { type: 'string', default: '10' } },
    }));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, {
      cause: error,
    });
  }
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 4 || seconds > 120) {
    throw new Error(`--seconds ${values.seconds}: expected a whole number from 4 to 120\n${usage}`);
  }
  return { seconds };
}
