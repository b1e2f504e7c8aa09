/** Runs programs for the set-up, and ends them when the set-up is interrupted. */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';

/** Something the set-up cannot go on without; the message tells a person what to do. */
export class SetupError extends Error {}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Let it end by itself even when the set-up is interrupted (a package manager at work). */
  readonly finish?: boolean;
}

const interruptible = new Set<ChildProcess>();
const interruption = new AbortController();

/** Aborts when the set-up is interrupted: for work that ends its own processes. */
export const interrupted: AbortSignal = interruption.signal;

/** Ends the programs that run and starts no further one, so that every step can clean up behind it. */
export function interrupt(): void {
  interruption.abort(new SetupError('interrupted; start it again to go on'));
  for (const child of interruptible) child.kill('SIGTERM');
}

/**
 * Starts a program that is ended when the set-up is interrupted.
 * @throws SetupError when it has been interrupted already
 */
export function start(program: string, args: readonly string[], options: SpawnOptions) {
  interrupted.throwIfAborted();
  const child = spawn(program, args, options);
  interruptible.add(child);
  child.on('close', () => interruptible.delete(child));
  return child;
}

/** Runs `program`; a program that cannot be started ends with code 127, as in a shell. */
export async function tryRun(
  program: string,
  args: readonly string[],
  { finish = false, ...options }: Options = {},
): Promise<Result> {
  const child = start(program, args, {
    ...options,
    // In a process group of its own a program is not reached by the terminal's Ctrl-C.
    detached: finish,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (finish) interruptible.delete(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      resolve({ code: 127, stdout, stderr: error.message });
    });
    child.on('close', (code) => {
      resolve({ code: code ?? 1, stdout, stderr });
    });
  });
}

/**
 * Runs `program` and returns what it printed.
 * @throws SetupError with the command and the end of its output when it fails
 */
export async function run(program: string, args: readonly string[], options: Options = {}) {
  const result = await tryRun(program, args, options);
  if (result.code !== 0) {
    const output = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-15).join('\n  ');
    throw new SetupError(
      `"${[program, ...args].join(' ')}" failed with code ${result.code}:\n  ${output}`,
    );
  }
  return result;
}
