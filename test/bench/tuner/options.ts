/** Options of `npm run bench -- tuner`. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { METHOD_NAMES } from './methods/all.ts';
import type { MethodName } from './methods/all.ts';
import { STACK_NAMES } from './stacks/catalogue.ts';
import type { StackName } from './stacks/catalogue.ts';

const USAGE =
  'npm run bench -- tuner [--seeds N] [--stacks NAME,…] [--methods NAME,…] [--budgets N,…] [--jobs N] [--sessions FILE] [--record]';

export interface Options {
  /** Seeds 1..seeds. */
  readonly seeds: number;
  readonly stacks: readonly StackName[];
  readonly methods: readonly MethodName[];
  /** Ascending. */
  readonly budgets: readonly number[];
  readonly jobs: number;
  /** Where finished sessions are kept, for going on after an interruption. */
  readonly sessions?: string;
  /** Whether the result becomes docs/records/tuner.json. */
  readonly record: boolean;
}

/** @throws Error that says what is wrong with which option */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '12' },
      stacks: { type: 'string', default: STACK_NAMES.join() },
      methods: { type: 'string', default: METHOD_NAMES.join() },
      budgets: { type: 'string', default: '15,30,60' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      sessions: { type: 'string' },
      record: { type: 'boolean', default: false },
    },
  });
  return {
    seeds: whole('--seeds', values.seeds, 1, 1000),
    stacks: chosen('--stacks', values.stacks, STACK_NAMES),
    methods: chosen('--methods', values.methods, METHOD_NAMES),
    budgets: [
      ...new Set(values.budgets.split(',').map((text) => whole('--budgets', text, 1, 1000))),
    ].sort((one, other) => one - other),
    jobs: whole('--jobs', values.jobs, 1, 64),
    ...(values.sessions !== undefined && { sessions: values.sessions }),
    record: values.record,
  };
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most)
    return value;
  throw new Error(
    `${option}: expected a whole number from ${least} to ${most}, got "${text}"\n${USAGE}`,
  );
}

function chosen<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  return [...new Set(text.split(',').map((name) => name.trim()))].map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) {
      throw new Error(`${option}: no "${name}"; there are ${known.join(', ')}\n${USAGE}`);
    }
    return found;
  });
}
