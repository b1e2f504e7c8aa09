/** The text of a sample file as it comes from disk: plain or gzip, told apart by content. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { SampleFormatError } from './sample-parser.ts';

/** Most that is read: gzip packs zeros a thousandfold, and what comes out must end somewhere. */
export const textLimits = { characters: 1024 * 1024 * 1024, lines: 8_000_000 };
export type TextLimits = Readonly<typeof textLimits>;
/** Text without a line end in sight for so long is not this format; it must not fill the memory. */
const MAX_UNFINISHED = 1_000_000;

/**
 * Reads a file (or a pipe: it is opened once and read once) and hands over each line without its
 * end; a last line without end counts.
 * @throws SampleFormatError when the text is not made of lines or beyond the limits; errors of the file and of
 *   gzip as Node gives them; whatever `line` throws
 */
export async function readLines(
  file: string,
  line: (text: string) => void,
  limits: TextLimits = textLimits,
): Promise<void> {
  const source = createReadStream(file);
  try {
    const bytes = source[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
    const head = await atLeastTwoBytes(bytes);
    const whole = Readable.from(startingWith(head, bytes), { objectMode: false });
    const cut = (text: AsyncIterable<Buffer>): Promise<void> => cutLines(text, line, limits);
    if (head[0] === 0x1f && head[1] === 0x8b) await pipeline(whole, createGunzip(), cut);
    else await pipeline(whole, cut);
  } finally {
    source.destroy();
  }
}

async function atLeastTwoBytes(bytes: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await bytes.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* startingWith(
  head: Buffer,
  rest: AsyncIterableIterator<Buffer>,
): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}

/** Lines are cut and handed over chunk by chunk without a promise for each: a file has hundreds of thousands. */
async function cutLines(
  chunks: AsyncIterable<Buffer>,
  line: (text: string) => void,
  limits: TextLimits,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  let characters = 0;
  let lines = 0;
  const take = (text: string): void => {
    characters += text.length;
    if (characters > limits.characters) throw endless(`${limits.characters} characters`);
    const whole = rest + text;
    let from = 0;
    for (let end = whole.indexOf('\n'); end >= 0; end = whole.indexOf('\n', from)) {
      lines += 1;
      if (lines > limits.lines) throw endless(`${limits.lines} lines`);
      line(whole.slice(from, end));
      from = end + 1;
    }
    rest = whole.slice(from);
    if (rest.length > MAX_UNFINISHED) throw new SampleFormatError(0, 'not made of lines');
  };
  for await (const chunk of chunks) take(decoder.decode(chunk, { stream: true }));
  take(decoder.decode());
  if (rest !== '') line(rest);
}

function endless(amount: string): SampleFormatError {
  return new SampleFormatError(0, `more than ${amount} of text: no measurement is so long`);
}
