/** `speed-gate tune`: a tuner for anything, over lines of JSON. Described in docs/tune.md. */
import { parseArgs } from 'node:util';
import { holdDialogue } from './tune/dialogue.ts';
import { readKnobsFile, type TuningTask } from './tune/knobs-file.ts';
import { knobsJsonSchema } from './tune/knobs-schema.ts';
import { readLines } from './tune/lines.ts';
import { openMemory, type Memory } from './tune/memory.ts';
import { MAX_LINE_BYTES } from './tune/messages.ts';
import { openSession, type SessionOptions } from './tune/session.ts';

const usage = `usage: npm run speed-gate -- tune --knobs FILE [OPTION …]
  --knobs FILE    what may be turned, from where, within which limits (JSON or YAML)
  --memory DIR    keep there what is learnt; a session that was broken off goes on
  --budget N      most evaluations, the first one of the start values included (default 30, at most 1000)
  --seed N        equal seeds and equal answers give equal asks (default 1)
  --fresh         begin a new session, even where one was broken off
  --schema        print the JSON Schema of a knobs file, and nothing else
It prints {"ask":1,"configuration":{…}}, reads {"tell":1,"value":0.83} and so on; lower values are better.`;

const MAX_BUDGET = 1000;

/** Exit codes beside 0 (ended with a result), 1 (failed) and 2 (wrong arguments). */
const BROKEN_OFF = 3;
const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

interface Order extends SessionOptions {
  readonly knobs: string;
  readonly memory: string | undefined;
}

export async function tune(args: readonly string[]): Promise<void> {
  let order: Order | string;
  try {
    order = readArguments(args);
  } catch (error) {
    log(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (typeof order === 'string') {
    console.log(order);
    return;
  }
  const task = readKnobsFile(order.knobs);
  const { memory: directory } = order;
  const memory = directory === undefined ? undefined : openMemory(directory, task.problem.space);
  try {
    process.exitCode = await converse(task, order, memory);
  } finally {
    memory?.close();
    // The other side may keep its end open; that must not keep this process.
    process.stdin.destroy();
  }
}

/** Resolves to the exit code. */
async function converse(
  task: TuningTask,
  order: Order,
  memory: Memory | undefined,
): Promise<number> {
  let broken: number | undefined;
  const breakOff = (code: number): void => {
    broken ??= code;
    process.stdin.destroy();
  };
  for (const [signal, code] of SIGNALS) {
    process.once(signal, () => {
      breakOff(code);
    });
  }
  // The other side reads no more.
  process.stdout.on('error', () => {
    breakOff(BROKEN_OFF);
  });
  process.stderr.on('error', () => undefined);

  const session = openSession(task, order, memory);
  log(session.sentence);
  let finished = false;
  try {
    const end = await holdDialogue({
      ...session,
      space: task.problem.space,
      lines: readLines(process.stdin, MAX_LINE_BYTES),
      say,
      log,
    });
    finished = end === 'finished';
    if (!finished) broken ??= BROKEN_OFF;
  } catch (error) {
    // A destroyed stream throws at its reader.
    if (broken === undefined) throw error;
  }
  if (broken !== undefined) log(whatIsKept(order.memory, finished));
  return broken ?? 0;
}

function whatIsKept(memory: string | undefined, finished: boolean): string {
  if (memory === undefined) return 'broken off; nothing is kept without --memory';
  return finished
    ? `the session has ended, but nobody took the result; ${memory} holds what it taught`
    : `broken off; ${memory} holds the session, the same call goes on with it`;
}

/** Resolves when the line is handed over: who reads slowly is asked slowly. */
function say(message: object): Promise<void> {
  return new Promise((resolve) => {
    // An error is heard by the listener.
    process.stdout.write(`${JSON.stringify(message)}\n`, () => {
      resolve();
    });
  });
}

function log(sentence: string): void {
  console.error(`speed-gate tune: ${sentence}`);
}

/**
 * @returns what is to be done, or a text that is to be printed
 * @throws Error that says which argument is wrong
 */
function readArguments(args: readonly string[]): Order | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      budget: { type: 'string', default: '30' },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      knobs: { type: 'string' },
      memory: { type: 'string' },
      schema: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
    },
  });
  if (values.help) return usage;
  if (values.schema) return JSON.stringify(knobsJsonSchema(), undefined, 2);
  if (values.knobs === undefined) throw new Error('--knobs FILE is missing');
  if (values.memory === '') throw new Error('--memory: expected the name of a directory');
  const budget = wholeNumber('--budget', values.budget);
  if (budget < 1 || budget > MAX_BUDGET) {
    throw new Error(`--budget ${budget}: expected 1 to ${MAX_BUDGET}`);
  }
  return {
    knobs: values.knobs,
    memory: values.memory,
    budget,
    seed: wholeNumber('--seed', values.seed),
    fresh: values.fresh,
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new Error(`${option} ${text}: expected a whole number`);
  return Number(text);
}
