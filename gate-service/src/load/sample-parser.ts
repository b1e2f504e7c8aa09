/** Turns lines of `speed-gate-samples/1` into samples and facts, as they come. Pure. */
import { FORMAT, HEADER, isArmName, isMeasurementEnd, isStatus } from './sample-format.ts';
import type {
  ArmName,
  Measurement,
  MeasurementEnd,
  Sample,
  SenderCounters,
  WindowFitness,
} from './sample.ts';

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
const INTEGER = /^-?\d{1,15}$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Longest line that can be right; anything longer is not this format. */
const MAX_LINE = 4096;

/**
 * Push parser: one line after the other, without line ends.
 * Unknown keys of `#` lines and further columns are ignored, so that later versions may add to both.
 */
export class SampleParser {
  readonly #sink: SampleSink;
  readonly #words = new Map<string, string>();
  #line = 0;
  #formatSeen = false;
  #columns: readonly number[] | undefined;
  #columnCount = 0;
  #windowsPlanned: number | undefined;
  #replacements: number | undefined;
  #plantedDelayUs: number | undefined;
  #steady: boolean | undefined;
  #ended: MeasurementEnd | undefined;
  readonly #cpuSeconds: Partial<Record<ArmName, number>> = {};
  readonly #counters: Partial<Record<keyof SenderCounters, number>> = {};

  constructor(sink: SampleSink) {
    this.#sink = sink;
  }

  /** @throws SampleFormatError */
  push(text: string): void {
    this.#line += 1;
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line.length > MAX_LINE) this.#fail(`longer than ${MAX_LINE} characters`);
    if (line.startsWith('#')) this.#comment(line);
    else if (line.trim() === '') return;
    else if (this.#columns === undefined) this.#header(line);
    else this.#sample(line, this.#columns);
  }

  /**
   * To be called after the last line.
   * @throws SampleFormatError when the text had no header row
   */
  finish(): Omit<Measurement, 'samples' | 'fitness' | 'windowsPlanned'> & {
    readonly windowsPlanned?: number;
  } {
    if (this.#columns === undefined) {
      throw new SampleFormatError(0, `no header row "${HEADER}": not a ${FORMAT} file, or empty`);
    }
    const counters = this.#completeCounters();
    return {
      ...(this.#windowsPlanned === undefined ? {} : { windowsPlanned: this.#windowsPlanned }),
      ...(this.#replacements === undefined ? {} : { replacements: this.#replacements }),
      ...(counters === undefined ? {} : { counters }),
      ...(this.#plantedDelayUs === undefined ? {} : { plantedDelayUs: this.#plantedDelayUs }),
      ...(this.#steady === undefined ? {} : { steady: this.#steady }),
      ...(this.#ended === undefined ? {} : { ended: this.#ended }),
      ...(Object.keys(this.#cpuSeconds).length === 0 ? {} : { cpuSeconds: this.#cpuSeconds }),
    };
  }

  #completeCounters(): SenderCounters | undefined {
    const { sent, received, inFlight, cpuSeconds } = this.#counters;
    if (sent === undefined || received === undefined) return undefined;
    return { sent, received, inFlight: inFlight ?? 0, cpuSeconds: cpuSeconds ?? 0 };
  }

  #comment(line: string): void {
    const match = /^#\s*([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) {
      if (!this.#formatSeen) this.#fail(`expected "# format: ${FORMAT}"`);
      return;
    }
    const key = match[1].toLowerCase();
    const value = match[2].trim();
    if (key !== 'format' && !this.#formatSeen) this.#fail(`expected "# format: ${FORMAT}" first`);
    switch (key) {
      case 'format':
        if (value !== FORMAT) this.#fail(`format "${value}" is not known, only ${FORMAT} is`);
        this.#formatSeen = true;
        break;
      case 'windows-planned':
        this.#windowsPlanned = this.#count(key, value);
        if (this.#windowsPlanned < 1) this.#fail(`windows-planned is at least 1, got ${value}`);
        break;
      case 'replacements':
        this.#replacements = this.#count(key, value);
        break;
      case 'planted-delay-us':
        this.#plantedDelayUs = this.#amount(key, value);
        break;
      case 'steady':
        if (value !== 'true' && value !== 'false')
          this.#fail(`steady is true or false: "${value}"`);
        this.#steady = value === 'true';
        break;
      case 'ended':
        if (!isMeasurementEnd(value)) this.#fail(`"${value}" is not a way to end`);
        this.#ended = value;
        break;
      case 'sent':
        this.#counters.sent = this.#count(key, value);
        break;
      case 'received':
        this.#counters.received = this.#count(key, value);
        break;
      case 'in-flight':
        this.#counters.inFlight = this.#count(key, value);
        break;
      case 'sender-cpu-seconds':
        this.#counters.cpuSeconds = this.#amount(key, value);
        break;
      case 'arm-cpu-seconds': {
        const [arm = '', seconds = ''] = value.split('=');
        if (!isArmName(arm)) this.#fail(`"${arm}" is not an arm`);
        this.#cpuSeconds[arm] = this.#amount(key, seconds);
        break;
      }
      case 'fitness':
        this.#sink.fitness?.(this.#fitness(value));
        break;
      default:
    }
  }

  #fitness(text: string): WindowFitness {
    const fields = new Map(
      text.split(/\s+/).map((field) => {
        const at = field.indexOf('=');
        return [field.slice(0, Math.max(at, 0)), field.slice(at + 1)] as const;
      }),
    );
    const required = (key: string): string => {
      const value = fields.get(key);
      if (value === undefined) this.#fail(`fitness without ${key}`);
      return value;
    };
    const waited = fields.get('waited');
    const foreignCores = fields.get('foreign-cores');
    return {
      window: this.#integer('window', required('window')),
      latenessP99Us: this.#amount('lateness-p99-us', required('lateness-p99-us')),
      runQueueShare: this.#amount('run-queue-share', required('run-queue-share')),
      ...(foreignCores === undefined
        ? {}
        : { foreignCores: this.#amount('foreign-cores', foreignCores) }),
      sent: this.#count('sent', required('sent')),
      received: this.#count('received', required('received')),
      ...(waited === undefined ? {} : { waited: this.#count('waited', waited) }),
    };
  }

  #header(line: string): void {
    if (!this.#formatSeen) this.#fail(`expected "# format: ${FORMAT}" before anything else`);
    const names = line.split(',').map((name) => name.trim());
    this.#columns = REQUIRED.map((name) => {
      const index = names.indexOf(name);
      if (index < 0) this.#fail(`the header row has no column "${name}"`);
      return index;
    });
    this.#columnCount = names.length;
  }

  #sample(line: string, columns: readonly number[]): void {
    const fields = line.split(',');
    if (fields.length !== this.#columnCount) {
      this.#fail(
        `${fields.length} fields where the header row has ${this.#columnCount}: "${line}"`,
      );
    }
    const field = (column: number): string => fields[columns[column] ?? -1] ?? '';
    const arm = field(0);
    if (!isArmName(arm)) this.#fail(`"${arm}" is not an arm`);
    const status = field(6);
    if (!isStatus(status)) this.#fail(`"${status}" is not a status`);
    const kind = field(3);
    if (kind === '') this.#fail('the kind is empty');
    this.#sink.sample?.({
      arm,
      launch: this.#word(field(1) === '' ? '-' : field(1)),
      window: this.#integer('window', field(2)),
      kind: this.#word(kind),
      intendedUs: this.#number('intended_us', field(4)),
      latencyUs: this.#number('latency_us', field(5)),
      status: this.#word(status),
    });
  }

  /** One copy of each word: a field otherwise keeps its whole line, or chunk, in memory. */
  #word(text: string): string {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    const own = Buffer.from(text).toString();
    this.#words.set(own, own);
    return own;
  }

  #integer(name: string, text: string): number {
    if (!INTEGER.test(text)) this.#fail(`${name} is a whole number, got "${text}"`);
    return Number(text);
  }

  #count(name: string, text: string): number {
    const value = this.#integer(name, text);
    if (value < 0) this.#fail(`${name} is a count, got ${text}`);
    return value;
  }

  #amount(name: string, text: string): number {
    const value = this.#number(name, text);
    if (value < 0) this.#fail(`${name} is not negative, got ${text}`);
    return value;
  }

  /** A negative time is passed on: it is the judge who calls a measurement impossible. */
  #number(name: string, text: string): number {
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) this.#fail(`${name} is a number, got "${text}"`);
    return value;
  }

  #fail(problem: string): never {
    throw new SampleFormatError(this.#line, problem);
  }
}
