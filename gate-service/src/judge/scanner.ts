/** A threshold that cannot be read: the message quotes it and points at the place. */
export class ThresholdSyntaxError extends Error {
  readonly input: string;
  /** Where reading stopped: 0 = first character. */
  readonly position: number;
  readonly expected: string;

  constructor(input: string, position: number, expected: string) {
    const shown = input.length > 120 ? `${input.slice(0, 117)}...` : input;
    const line = shown.replace(/\s/g, ' ');
    const caret = ' '.repeat(Math.min(position, line.length));
    super(`cannot read the threshold:\n  ${line}\n  ${caret}^ expected ${expected}`);
    this.name = 'ThresholdSyntaxError';
    this.input = input;
    this.position = position;
    this.expected = expected;
  }
}

/** Reads a short text from left to right, skipping space before each part. */
export class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  /** Start of the part that is read next. */
  get position(): number {
    return this.#position;
  }

  /** Takes what the sticky expression matches here; `undefined` when it does not. */
  take(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#position;
    const found = sticky.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#position += found.length;
    this.#skipSpace();
    return found;
  }

  /** @throws unless all was read */
  end(): void {
    if (this.#position < this.#text.length) this.fail('the end');
  }

  fail(expected: string, position = this.#position): never {
    throw new ThresholdSyntaxError(this.#text, position, expected);
  }

  #skipSpace(): void {
    const space = /\s*/y;
    space.lastIndex = this.#position;
    this.#position += space.exec(this.#text)?.[0].length ?? 0;
  }
}
