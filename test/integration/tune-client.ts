/** The other side of `speed-gate tune`: a real process, spoken to line by line. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = join(import.meta.dirname, '../../gate-service/src/main.ts');

export type Configuration = Readonly<Record<string, number | boolean | string>>;

/** Any line of the tuner's. */
export interface Said {
  readonly ask?: number;
  readonly configuration?: Configuration;
  readonly error?: {
    readonly code: string;
    readonly line: number;
    readonly open: number;
    readonly message: string;
  };
  readonly best?: Configuration;
  readonly adopted?: boolean;
  readonly explanation?: {
    readonly ended: string;
    readonly summary: string;
    readonly evaluations: number;
    readonly trajectory: readonly unknown[];
  };
}

export class TuneClient {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<number | NodeJS.Signals | null>;
  #errors = '';

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, 'tune', ...args]);
    // A killed process reads no more; what counts is said by its end.
    this.child.stdin.on('error', () => undefined);
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.#exit = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
    );
  }

  /** What it said on standard error up to now. */
  get errors(): string {
    return this.#errors;
  }

  /** The next line, or `undefined` at the end of its output. */
  async hear(): Promise<Said | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : (JSON.parse(next.value) as Said);
  }

  say(message: object | string): void {
    this.child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  }

  async answer(message: object | string): Promise<Said | undefined> {
    this.say(message);
    return this.hear();
  }

  /** Its exit code, or the signal that ended it. */
  exit(): Promise<number | NodeJS.Signals | null> {
    return this.#exit;
  }
}

/** Answers every ask by `measure` until the last line; hands over all lines. */
export async function tuneWith(
  client: TuneClient,
  measure: (configuration: Configuration, ask: number) => object,
): Promise<Said[]> {
  const said: Said[] = [];
  for (let line = await client.hear(); line !== undefined; line = await client.hear()) {
    said.push(line);
    if (line.ask !== undefined && line.configuration !== undefined) {
      client.say({ tell: line.ask, ...measure(line.configuration, line.ask) });
    }
  }
  return said;
}
