/** Sample files on disk, plain or gzip. Format: docs/samples.md. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import {
  FORMAT,
  formatCounters,
  formatFitness,
  formatMetadata,
  formatSample,
  HEADER,
  type Metadata,
} from './sample-format.ts';
import { SampleFormatError, SampleParser } from './sample-parser.ts';
import { readLines } from './sample-text.ts';
import type { Measurement, Sample, WindowFitness } from './sample.ts';

/** A sample file that cannot be read or is malformed; the message holds its path. */
export class SampleFileError extends Error {
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`sample file ${file}: ${problem}`, options);
    this.name = 'SampleFileError';
    this.file = file;
  }
}

/** A measurement of ten minutes at 5,000 requests/s has 3 million; more would not fit into memory. */
const MAX_ROWS = 5_000_000;
const MAX_REPORTS = 100_000;

/**
 * Reads a whole measurement. Counters, fitness, warm-up and `# windows-planned` may be absent; windows
 * planned are then the counted windows found.
 * @throws SampleFileError with the line for a malformed line; when the gzip stream is cut off or damaged; when the file is missing, a folder, or too large
 */
export async function readSampleFile(file: string): Promise<Measurement> {
  const samples: Sample[] = [];
  const fitness: WindowFitness[] = [];
  const parser = new SampleParser({
    sample: (sample) => {
      if (samples.push(sample) > MAX_ROWS) throw tooMany(MAX_ROWS, 'samples');
    },
    fitness: (window) => {
      if (fitness.push(window) > MAX_REPORTS) throw tooMany(MAX_REPORTS, 'reports of fitness');
    },
  });
  try {
    await readLines(file, (line) => {
      parser.push(line);
    });
    const facts = parser.finish();
    return {
      ...facts,
      windowsPlanned: facts.windowsPlanned ?? countWindows(samples),
      samples,
      fitness,
    };
  } catch (error) {
    throw asFileError(file, error);
  }
}

function tooMany(limit: number, what: string): SampleFormatError {
  return new SampleFormatError(0, `more than ${limit} ${what}: too many for one measurement`);
}

/** Windows with samples, without warm-up and planted block. */
function countWindows(samples: readonly Sample[]): number {
  const planted = new Set(samples.filter(({ arm }) => arm === 'planted').map((s) => s.window));
  return new Set(
    samples.filter((s) => s.window >= 0 && !planted.has(s.window)).map((s) => s.window),
  ).size;
}

/** Writes a whole measurement; gzip when the name ends in `.gz`. */
export async function writeSampleFile(file: string, measurement: Measurement): Promise<void> {
  const writer = openSampleWriter(file);
  const { samples, fitness, counters, ...metadata } = measurement;
  const lines = (function* (): Generator<string> {
    yield `# format: ${FORMAT}`;
    yield* formatMetadata(metadata);
    yield HEADER;
    for (const sample of samples) yield formatSample(sample);
    for (const window of fitness) yield formatFitness(window);
    if (counters !== undefined) yield* formatCounters(counters);
  })();
  let batch = '';
  for (const line of lines) {
    batch += `${line}\n`;
    if (batch.length < 65_536) continue;
    await writer.write(batch);
    batch = '';
  }
  await writer.write(batch);
  await writer.close();
}

/** Adds facts that only others than the sender know, e.g. the arms' CPU seconds, to a finished file. */
export async function appendMetadata(file: string, metadata: Metadata): Promise<void> {
  const text = formatMetadata(metadata)
    .map((line) => `${line}\n`)
    .join('');
  // Several gzip members in a row are one gzip file (RFC 1952, section 2.2).
  await appendFile(file, file.endsWith('.gz') ? gzipSync(text) : text);
}

export interface SampleWriter {
  /** Resolves when more may be written without piling up in memory. */
  write(text: string | Buffer): Promise<void>;
  /** Resolves when everything is in the file. */
  close(): Promise<void>;
}

/** Opens a sample file for text as it comes; gzip when the name ends in `.gz`. Errors reject the next call. */
export function openSampleWriter(file: string): SampleWriter {
  const output = createWriteStream(file);
  const input = file.endsWith('.gz') ? createGzip({ level: 4 }) : output;
  if (input !== output) {
    input.pipe(output);
    output.once('error', (error: Error) => input.destroy(error));
  }
  const done = finished(output);
  let failure: unknown;
  done.catch((error: unknown) => (failure = error));
  input.on('error', (error: Error) => (failure ??= error));
  const check = (): void => {
    if (failure !== undefined) throw asFileError(file, failure);
  };
  return {
    write: async (text) => {
      check();
      if (text.length === 0 || input.write(text)) return;
      await Promise.race([once(input, 'drain'), done]).catch(() => undefined);
      check();
    },
    close: async () => {
      check();
      input.end();
      try {
        await done;
      } catch (error) {
        throw asFileError(file, error);
      }
    },
  };
}

function asFileError(file: string, error: unknown): SampleFileError {
  if (error instanceof SampleFileError) return error;
  if (error instanceof SampleFormatError) return new SampleFileError(file, error.message);
  const { code, message } =
    error instanceof Error
      ? (error as NodeJS.ErrnoException)
      : { code: undefined, message: String(error) };
  const problem =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EISDIR'
        ? 'this is a folder'
        : code === 'Z_BUF_ERROR'
          ? 'the gzip data is cut off; the sender died or the copy is incomplete'
          : code?.startsWith('Z_') === true
            ? `the gzip data is damaged (${message})`
            : message;
  return new SampleFileError(file, problem, { cause: error });
}
