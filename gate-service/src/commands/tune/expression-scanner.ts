/** The parts of an expression, from left to right; mistakes point at their place. */

/** An expression that cannot be read: the message quotes it and points at the place. */
export class ExpressionError extends Error {
  constructor(text: string, position: number, expected: string) {
    const from = Math.max(0, Math.min(position, text.length) - SHOWN_BEFORE);
    const line = text.slice(from, from + SHOWN).replace(/\s/g, ' ');
    const caret = ' '.repeat(Math.min(position, text.length) - from);
    super(`cannot read the expression:\n  ${line}\n  ${caret}^ expected ${expected}`);
    this.name = 'ExpressionError';
  }
}

const SHOWN = 100;
const SHOWN_BEFORE = 60;

const SPACE = /\s*/y;
const NUMBER = /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y;
const NAME = /[A-Za-z_][A-Za-z0-9_.]*/y;
/** For names with a hyphen, which would be a difference else. */
const QUOTED_NAME = /`([^`]*)`/y;
const TEXT = /"([^"]*)"|'([^']*)'/y;

export class ExpressionScanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
    this.#match(SPACE);
  }

  /** Start of the part that is read next. */
  get position(): number {
    return this.#position;
  }

  takeNumber(): number | undefined {
    const found = this.#take(NUMBER);
    return found === undefined ? undefined : Number(found[0]);
  }

  takeName(): string | undefined {
    return this.#take(NAME)?.[0] ?? this.#take(QUOTED_NAME)?.[1];
  }

  /** A word in quotes, without them. */
  takeText(): string | undefined {
    const found = this.#take(TEXT);
    return found?.[1] ?? found?.[2];
  }

  /** The longest of these operators that stands here. */
  peekOneOf(...operators: readonly string[]): string | undefined {
    const fitting = operators.filter((one) => this.#text.startsWith(one, this.#position));
    return fitting.sort((one, other) => other.length - one.length)[0];
  }

  takeOneOf(...operators: readonly string[]): string | undefined {
    const found = this.peekOneOf(...operators);
    if (found !== undefined) {
      this.#position += found.length;
      this.#match(SPACE);
    }
    return found;
  }

  /** @throws ExpressionError unless all was read */
  end(): void {
    if (this.#position < this.#text.length) this.fail('an operator or the end');
  }

  fail(expected: string, position = this.#position): never {
    throw new ExpressionError(this.#text, position, expected);
  }

  #take(sticky: RegExp): RegExpExecArray | undefined {
    const found = this.#match(sticky);
    if (found !== undefined) this.#match(SPACE);
    return found;
  }

  #match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#position;
    const found = sticky.exec(this.#text);
    if (found === null) return undefined;
    this.#position += found[0].length;
    return found;
  }
}
