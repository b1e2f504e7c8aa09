/** Turns lines of `speed-gate-samples/1` into samples and facts, as they come. Pure. */
import { FactsReader, type FileFacts } from './sample-facts.ts';
import { FieldError, parseNumber, parseWindow, quoted } from './sample-fields.ts';
import { FORMAT, HEADER, isArmName, isStatus } from './sample-format.ts';
import type { ArmName, Sample, WindowFitness } from './sample.ts';

/** A line that cannot be a part of a sample file. */
export class SampleFormatError extends Error {
  /** From 1; 0 when the file as a whole is meant. */
  readonly line: number;

  constructor(line: number, problem: string) {
    super(line === 0 ? problem : `line ${line}: ${problem}`);
    this.name = 'SampleFormatError';
    this.line = line;
  }
}

export interface SampleSink {
  sample?(sample: Sample): void;
  fitness?(fitness: WindowFitness): void;
}

const REQUIRED = HEADER.split(',');
/** Longest row that can be right; anything longer is not this format. */
const MAX_ROW = 4096;
/** Launches, kinds and statuses are few; more different words than this are none. */
const MAX_WORDS = 10_000;

/** Where the fields of a row stand. */
interface Columns {
  readonly count: number;
  readonly arm: number;
  readonly launch: number;
  readonly window: number;
  readonly kind: number;
  readonly intended: number;
  readonly latency: number;
  readonly status: number;
}

/**
 * Push parser: one line after the other, without line ends.
 * Unknown keys of `#` lines and further columns are ignored, so that later versions may add to both.
 */
export class SampleParser {
  readonly #sink: SampleSink;
  readonly #facts: FactsReader;
  readonly #words = new Map<string, string>();
  readonly #statuses = new Map<string, string>();
  #line = 0;
  #columns: Columns | undefined;

  constructor(sink: SampleSink) {
    this.#sink = sink;
    this.#facts = new FactsReader((fitness) => sink.fitness?.(fitness));
  }

  /** @throws SampleFormatError */
  push(text: string): void {
    this.#line += 1;
    try {
      this.#push(text);
    } catch (error) {
      if (error instanceof FieldError) throw new SampleFormatError(this.#line, error.message);
      throw error;
    }
  }

  /**
   * To be called after the last line.
   * @throws SampleFormatError when the text had no header row
   */
  finish(): FileFacts {
    if (this.#columns === undefined) {
      throw new SampleFormatError(0, `no header row "${HEADER}": not a ${FORMAT} file, or empty`);
    }
    return this.#facts.facts();
  }

  #push(text: string): void {
    const line = this.#withoutMarks(text);
    if (line.startsWith('#')) this.#facts.read(line);
    else if (line.trim() === '') return;
    else if (line.length > MAX_ROW) throw new FieldError(`longer than ${MAX_ROW} characters`);
    else if (this.#columns === undefined) this.#columns = this.#header(line);
    else this.#sample(line, this.#columns);
  }

  /** Some editors put a byte order mark at the start and a carriage return at each end. */
  #withoutMarks(text: string): string {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    return this.#line === 1 && line.startsWith('\u{feff}') ? line.slice(1) : line;
  }

  #header(line: string): Columns {
    if (!this.#facts.formatSeen) {
      throw new FieldError(`expected "# format: ${FORMAT}" before anything else`);
    }
    const names = line.split(',').map((name) => name.trim());
    const [arm, launch, window, kind, intended, latency, status] = REQUIRED.map((name) => {
      const index = names.indexOf(name);
      if (index < 0) throw new FieldError(`the header row has no column "${name}"`);
      if (names.includes(name, index + 1)) {
        throw new FieldError(`the header row has the column "${name}" twice`);
      }
      return index;
    }) as [number, number, number, number, number, number, number];
    return { count: names.length, arm, launch, window, kind, intended, latency, status };
  }

  #sample(line: string, columns: Columns): void {
    const fields = line.split(',');
    if (fields.length !== columns.count) {
      throw new FieldError(
        `${fields.length} fields where the header row has ${columns.count}: ${quoted(line)}`,
      );
    }
    const field = (column: number): string => fields[column] ?? '';
    const arm = armOf(field(columns.arm));
    const status = this.#status(field(columns.status));
    const kind = field(columns.kind);
    if (kind === '') throw new FieldError('the kind is empty');
    const launch = field(columns.launch);
    this.#sink.sample?.({
      arm,
      launch: launch === '' ? '-' : this.#word(launch),
      window: parseWindow(field(columns.window)),
      kind: this.#word(kind),
      intendedUs: parseNumber('intended_us', field(columns.intended)),
      latencyUs: parseNumber('latency_us', field(columns.latency)),
      status,
    });
  }

  #status(text: string): string {
    const known = this.#statuses.get(text);
    if (known !== undefined) return known;
    if (/^[1-3]\d\d$/.test(text)) {
      throw new FieldError(`status ${text}: an answer below 400 is written as "ok"`);
    }
    if (!isStatus(text)) throw new FieldError(`${quoted(text)} is not a status`);
    const status = this.#word(text);
    this.#statuses.set(status, status);
    return status;
  }

  /** One copy of each word: a field otherwise keeps its whole line, or chunk, in memory. */
  #word(text: string): string {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    if (this.#words.size >= MAX_WORDS) {
      throw new FieldError(
        `more than ${MAX_WORDS} different launches, kinds and statuses: ${quoted(text)}`,
      );
    }
    const own = Buffer.from(text).toString();
    this.#words.set(own, own);
    return own;
  }
}

/** The constant, not the field, so that samples share one string. */
function armOf(text: string): ArmName {
  if (text === 'baseline') return 'baseline';
  if (text === 'candidate') return 'candidate';
  if (!isArmName(text)) throw new FieldError(`${quoted(text)} is not an arm`);
  return text;
}
