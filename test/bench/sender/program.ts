/** Runs a tool's program for its output. */
import { spawn } from 'node:child_process';

export interface ProgramOptions {
  readonly signal: AbortSignal;
  readonly input?: string | Buffer;
}

/**
 * Everything that the program writes to standard output.
 * @throws Error with the end of its standard error when it fails; with the reason of `signal`
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  { input = '', signal }: ProgramOptions,
): Promise<string> {
  return (await bytesOf(program, args, { input, signal })).toString('utf8');
}

/** As {@link outputOf}, for output that is no text. */
export async function bytesOf(
  program: string,
  args: readonly string[],
  { input = '', signal }: ProgramOptions,
): Promise<Buffer> {
  signal.throwIfAborted();
  const child = spawn(program, args, { stdio: 'pipe' });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  const parts: Buffer[] = [];
  let errors = '';
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  // A program that ends early says why by itself.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`${program} ended with code ${String(code)}: ${errors.trim()}`);
    return Buffer.concat(parts);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
