/** The sender as a process of its own: starts it, keeps its samples in a file, reports its windows. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Readable, Writable } from 'node:stream';
import { openSampleWriter, type SampleWriter } from './sample-file.ts';
import { formatMetadata, PLANTED_HELD } from './sample-format.ts';
import { SampleParser } from './sample-parser.ts';
import type {
  MeasurementPlan,
  PlantedBlock,
  Sender,
  SenderListener,
  SenderResult,
} from './sender.ts';
import { WindowCollector } from './window-collector.ts';

type SenderProcess = ChildProcessByStdio<Writable, Readable, Readable>;

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/**
 * Room for young objects, MiB: nearly all of the sender's die young, so that rarer collections cost less in
 * all (measured: 5 to 10 % of its CPU) and hold up fewer requests.
 */
const FEW_COLLECTIONS = ['--min-semi-space-size=16', '--max-semi-space-size=32'];
/** Of what the sender says on standard error, the end is kept. */
const KEPT_STDERR = 4000;
/** For requests under way after an abort, on top of their time-out. */
const GRACE_MS = 2000;
/** Longest planted delay, as in the plan. */
const MOST_DELAY_MS = 60_000;

export interface ChildSenderOptions {
  /** Program and first arguments; this Node with main.ts when absent. The command `sender` is added. */
  readonly command?: readonly [string, ...string[]];
  /** Environment of the process; only what Node needs when absent, so that no token gets there. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The sender process died or gave up; the message says what it said last. */
export class SenderError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SenderError';
  }
}

/**
 * Sender of this machine. Ends with its starter: the process watches its standard input.
 * `measure` rejects with {@link SenderError} when the process dies, the target refuses every connection
 * or never answers; with the reason of `signal` when it aborts. The file then holds what was measured.
 */
export class ChildSender implements Sender {
  readonly #options: ChildSenderOptions;

  constructor(options: ChildSenderOptions = {}) {
    this.#options = options;
  }

  measure(
    plan: MeasurementPlan,
    file: string,
    listener: SenderListener & { stopRequested(): boolean },
    signal: AbortSignal,
  ): Promise<SenderResult> {
    return measure(this.#options, plan, file, listener, signal);
  }
}

async function measure(
  options: ChildSenderOptions,
  plan: MeasurementPlan,
  file: string,
  listener: SenderListener & { stopRequested(): boolean },
  signal: AbortSignal,
): Promise<SenderResult> {
  signal.throwIfAborted();
  const writer = openSampleWriter(file);
  const child = start(options);
  const ended = endOf(child);
  const stderr = keepEnd(child.stderr);
  const abort = (): void => {
    child.kill('SIGTERM');
    // A sender that does not end in order must not go on sending.
    setTimeout(() => child.kill('SIGKILL'), plan.limits.requestTimeoutMs + GRACE_MS).unref();
  };
  signal.addEventListener('abort', abort, { once: true });
  let inOrder = false;
  try {
    child.stdin.write(`${JSON.stringify(heldFor(listener, plan))}\n`);
    let plantFailure: { readonly error: unknown } | undefined;
    let asked = false;
    const askForStop = (): void => {
      if (asked || !listener.stopRequested()) return;
      asked = true;
      child.stdin.write('stop\n');
    };
    const collector = new WindowCollector({
      window: (report) => {
        listener.window(report);
        // First: the answer may let the sender begin a window that nobody needs.
        askForStop();
        answer(child, plan, report.window, listener.windowsWanted?.() ?? plan.windows);
      },
    });
    const parser = new SampleParser(collector);
    await readLines(child.stdout, writer, (line) => {
      parser.push(line);
      askForStop();
      if (line !== PLANTED_HELD || listener.plantedBlock === undefined) return;
      plant(child, listener.plantedBlock()).catch((error: unknown) => {
        plantFailure = { error };
        child.kill('SIGTERM');
      });
    });
    const problem = await ended;
    inOrder = problem === undefined;
    signal.throwIfAborted();
    if (plantFailure !== undefined) throw plantFailure.error;
    if (problem !== undefined) throw new SenderError(`${problem}${said(stderr())}`);
    const { counters, steady, ended: end } = parser.finish();
    if (counters === undefined || steady === undefined || end === undefined) {
      throw new SenderError(`the sender ended without its counters${said(stderr())}`);
    }
    await writer.close();
    return { counters, steady, ended: end, file };
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    await leaveReadable(writer, inOrder);
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    child.stdin.destroy();
  }
}

function start({
  command = [process.execPath, ...FEW_COLLECTIONS, MAIN],
  env,
}: ChildSenderOptions): SenderProcess {
  const [program, ...args] = command;
  const child = spawn(program, [...args, 'sender'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: env ?? { PATH: process.env.PATH, NODE_NO_WARNINGS: '1' },
  });
  // Writing to a process that has died: its end says why.
  child.stdin.on('error', () => undefined);
  return child;
}

/** A sender that may have to replace windows waits, when all wanted ones are sent, to hear that each was looked at. */
function answer(
  child: SenderProcess,
  { replacements = 0, windows }: MeasurementPlan,
  window: number,
  wanted: number,
): void {
  if (replacements === 0 || window < 0 || window >= windows + replacements) return;
  child.stdin.write(`seen ${window} ${wanted}\n`);
}

/** A listener that says the planted delay is waited for. */
function heldFor(listener: SenderListener, plan: MeasurementPlan): MeasurementPlan {
  const { planted } = plan;
  return planted === undefined || listener.plantedBlock === undefined
    ? plan
    : { ...plan, planted: { ...planted, held: true } };
}

/** Passes the delay on when the proxy has it. */
async function plant(child: SenderProcess, block: Promise<PlantedBlock>): Promise<void> {
  const { delayMs, half } = await block;
  if (!(delayMs > 0 && delayMs <= MOST_DELAY_MS)) {
    throw new Error(`a planted delay of ${delayMs} ms: above 0 and at most ${MOST_DELAY_MS} ms`);
  }
  child.stdin.write(`plant ${delayMs}${half ? ' half' : ''}\n`);
}

/** Resolves when the process is gone and its output read: with what went wrong, or undefined. */
function endOf(child: SenderProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(`the sender could not be started: ${error.message}`);
    });
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve(undefined);
      else if (killedBy === null) resolve(`the sender gave up (exit code ${code ?? 'unknown'})`);
      else resolve(`the sender was killed (${killedBy})`);
    });
  });
}

function keepEnd(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_STDERR);
  });
  return () => text.trim();
}

function said(stderr: string): string {
  return stderr === '' ? '' : `: ${stderr.replace(/^speed-gate sender: /, '')}`;
}

/** Whole lines only, and to the file before they are looked at: what was measured is kept and can be read, come what may. */
async function readLines(
  stream: Readable,
  writer: SampleWriter,
  take: (line: string) => void,
): Promise<void> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const text = rest + String(chunk);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (end === 0) continue;
    await writer.write(text.slice(0, end));
    for (const line of text.slice(0, end - 1).split('\n')) take(line);
  }
}

/** After a failure or an abort: the file can be read; where the sender did not get to it, it says that it is not whole. */
async function leaveReadable(writer: SampleWriter, inOrder: boolean): Promise<void> {
  try {
    if (!inOrder) await writer.write(`${formatMetadata({ ended: 'failed' }).join('\n')}\n`);
    await writer.close();
  } catch {
    // The file itself failed; the first error tells more.
  }
}
