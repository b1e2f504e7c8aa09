/** Lines of a log, plain or gzip, as a stream: memory does not grow with the file. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Longest line that is looked at, bytes; httpd's own limit of a request line is 8,190. */
export const MAX_LINE_BYTES = 64 * 1024;

/** A longer line, of which nothing is kept. */
export const TOO_LONG = Symbol('a line that is too long');

/**
 * @param file path, or `-` for standard input; told from plain text by its content when it is gzip
 * @throws Error that names the file when it cannot be read, or its gzip data is damaged or ends early
 */
export async function* readLines(file: string): AsyncGenerator<string | typeof TOO_LONG> {
  const source: Readable = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* linesOf(await unzipped(source));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'Z_BUF_ERROR'
        ? 'its gzip data ends early'
        : code?.startsWith('Z_') === true
          ? 'its gzip data is damaged'
          : error instanceof Error
            ? error.message
            : String(error);
    throw new Error(
      `the log ${file === '-' ? 'on standard input' : file} cannot be read: ${reason}`,
      {
        cause: error,
      },
    );
  } finally {
    source.destroy();
  }
}

async function unzipped(source: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  // A pipe may hand over a single byte first.
  while (head.length < 2 && !ended) {
    const next = await chunks.next();
    if (next.done === true) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield head;
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  if (head[0] !== 0x1f || head[1] !== 0x8b) return rest();
  return gunzip(rest());
}

async function* gunzip(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const input = Readable.from(source);
  const output = createGunzip();
  // `pipe` passes no errors on.
  input.on('error', (error) => output.destroy(error));
  input.pipe(output);
  for await (const chunk of output) yield chunk as Buffer;
}

/** Bytes are read as Latin-1, so that no sequence of bytes is an error; httpd escapes what is not ASCII. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string | typeof TOO_LONG> {
  let begun = '';
  let skipping = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (!skipping && begun.length + part.length <= MAX_LINE_BYTES) {
        begun += part.toString('latin1');
      } else {
        skipping = true;
        begun = '';
      }
      if (end < 0) break;
      yield skipping ? TOO_LONG : withoutReturn(begun);
      begun = '';
      skipping = false;
      from = end + 1;
    }
  }
  if (skipping) yield TOO_LONG;
  else if (begun !== '') yield withoutReturn(begun);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
