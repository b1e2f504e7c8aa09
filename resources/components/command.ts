/** Runs a program to its end, for the set-up. */
import { spawn } from 'node:child_process';

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
}

/** Runs `program`; a program that cannot be started ends with code 127, as in a shell. */
export function tryRun(program: string, args: readonly string[], options: Options = {}) {
  return new Promise<Result>((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
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
