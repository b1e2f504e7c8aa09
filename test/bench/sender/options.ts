import { parseArgs } from 'node:util';

export interface SenderBenchOptions {
  /** Of each load, after its first second. */
  readonly seconds: number;
  /** Most times a load is tried while strangers use the machine. */
  readonly attempts: number;
}

const usage = `usage: npm run bench -- sender [OPTION …]
  --seconds N   of each load, 4 to 120 (default 10); there are thirteen loads
  --attempts N  a load that shared the machine with strangers is tried up to so often, 1 to 20 (default 3);
                the attempt that they disturbed least counts, whatever it says
On a machine that others use too, "chrt -r 5 npm run bench -- sender" lets tools and server go first.`;

/** @throws Error with the usage */
export function readOptions(args: readonly string[]): SenderBenchOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string', default: '10' },
        attempts: { type: 'string', default: '3' },
      },
    }));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, {
      cause: error,
    });
  }
  return {
    seconds: whole('--seconds', values.seconds, 4, 120),
    attempts: whole('--attempts', values.attempts, 1, 20),
  };
}

function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option} ${text}: expected a whole number from ${least} to ${most}\n${usage}`);
}
