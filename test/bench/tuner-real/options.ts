/** Options of `npm run bench -- tuner-real`. */
import { parseArgs } from 'node:util';
import { WORKLOADS, type BenchWorkload } from './workloads.ts';

export interface TunerRealOptions {
  readonly workloads: readonly BenchWorkload[];
  /** Longest time of one session, telemetry included. */
  readonly minutes: number;
  /** Most evaluations of a session; the one with memory gets half of what the first one took. */
  readonly budget: number;
  readonly seed: number;
  /** Folder for experience, one below it for each workload; a temporary one when absent. */
  readonly memory?: string;
  /** Folder for result and plot. */
  readonly out?: string;
  /** Whether they become docs/records/tuner-real.*. */
  readonly record: boolean;
  /** Also what the platform says goes to standard error. */
  readonly verbose: boolean;
}

const NAMES = WORKLOADS.map(({ name }) => name);

const USAGE = `usage: npm run bench -- tuner-real [OPTION …]
  --workloads NAME,…  of ${NAMES.join(', ')} (default: all)
  --minutes N         longest time of one session, 1 to 60 (default 15)
  --budget N          most evaluations of a session, 4 to 60 (default 10)
  --memory DIR        experience kept between calls; the first session begins with it, too
                      (default: a fresh one for each workload)
  --out DIR           result and plot go there
  --record            they go to docs/records
  --seed N            of the tuner (default 1)
  --verbose           say what the platform does`;

/** @throws Error with the usage */
export function readOptions(args: readonly string[]): TunerRealOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        workloads: { type: 'string', default: NAMES.join() },
        minutes: { type: 'string', default: '15' },
        budget: { type: 'string', default: '10' },
        memory: { type: 'string' },
        out: { type: 'string' },
        record: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        verbose: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error), error);
  }
  const { memory, out, record, verbose } = values;
  return {
    workloads: chosen(values.workloads),
    minutes: number('--minutes', values.minutes, 1, 60),
    budget: whole('--budget', values.budget, 4, 60),
    seed: whole('--seed', values.seed, 0, 2 ** 31),
    ...(memory === undefined ? {} : { memory }),
    ...(out === undefined ? {} : { out }),
    record,
    verbose,
  };
}

function chosen(text: string): BenchWorkload[] {
  return [...new Set(text.split(',').map((name) => name.trim()))].map((name) => {
    const found = WORKLOADS.find((workload) => workload.name === name);
    if (found === undefined) throw refused(`--workloads: there is no "${name}"`);
    return found;
  });
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
  return new Error(`${problem}\n${USAGE}`, { cause });
}
