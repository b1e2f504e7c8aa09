import { parseArgs } from 'node:util';

export interface JudgeRealOptions {
  /** Pushes of the same build. */
  readonly aa: number;
  /** Pushes of the build that is slower by {@link slowFactor}. */
  readonly slow: number;
  /** Counted windows of a push, without replacements for spoilt ones. */
  readonly windows: number;
  readonly windowSeconds: number;
  /** Service time of the slow build by that of the other: 1.1 is 10 % more. */
  readonly slowFactor: number;
  /** Pairs of requests per second: as many to each arm. */
  readonly rate: number;
  /** Margins of the latency thresholds, as a part of those in `speedgate.yaml`. */
  readonly marginFactor: number;
  /** Folder for the record; a temporary one when absent. */
  readonly record?: string;
  readonly resume: boolean;
  /** Also what the platform says goes to standard error. */
  readonly verbose: boolean;
}

const usage = `usage: npm run bench -- judge-real [OPTION …]
  --aa N              pushes of the same build, 0 to 500 (default 60)
  --slow N            pushes of a slower build, 0 to 500 (default 20)
  --slow-factor F     its service time by the other's, 1.01 to 3 (default 1.1)
  --windows N         windows of a push, 6 to 60 (default 12)
  --window-seconds S  0.5 to 10 (default 2)
  --rate N            pairs of requests per second, 10 to 1000 (default 200)
  --margins F         part of the margins in speedgate.yaml, 0.05 to 2 (default 0.5: p50 + 5 %, p95 + 7.5 %)
  --record DIR        keep samples and results there (default: a temporary folder)
  --resume            go on with the record in DIR; what it holds is judged again, not measured again
  --verbose           say what the platform does`;

/** @throws Error with the usage */
export function readOptions(args: readonly string[]): JudgeRealOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        aa: { type: 'string', default: '60' },
        slow: { type: 'string', default: '20' },
        'slow-factor': { type: 'string', default: '1.1' },
        windows: { type: 'string', default: '12' },
        'window-seconds': { type: 'string', default: '2' },
        rate: { type: 'string', default: '200' },
        margins: { type: 'string', default: '0.5' },
        record: { type: 'string' },
        resume: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error), error);
  }
  const { record, resume, verbose } = values;
  if (resume && record === undefined) throw refused('--resume: say with --record DIR with what');
  const options = {
    aa: whole('--aa', values.aa, 0, 500),
    slow: whole('--slow', values.slow, 0, 500),
    slowFactor: number('--slow-factor', values['slow-factor'], 1.01, 3),
    windows: whole('--windows', values.windows, 6, 60),
    windowSeconds: number('--window-seconds', values['window-seconds'], 0.5, 10),
    rate: number('--rate', values.rate, 10, 1000),
    marginFactor: number('--margins', values.margins, 0.05, 2),
    ...(record === undefined ? {} : { record }),
    resume,
    verbose,
  };
  if (options.aa + options.slow === 0) throw refused('--aa 0 --slow 0: nothing to measure');
  return options;
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = number(option, text, least, most);
  if (Number.isInteger(value)) return value;
  throw refused(`${option} ${text}: expected a whole number from ${least} to ${most}`);
}

function number(option: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw refused(`${option} ${text}: expected a number from ${least} to ${most}`);
}

function refused(problem: string, cause?: unknown): Error {
  return new Error(`${problem}\n${usage}`, { cause });
}
