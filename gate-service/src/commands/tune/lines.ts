/** Lines of a stream, one at a time and never longer than a bound: what is not read yet stays with the writer. */
import { StringDecoder } from 'node:string_decoder';

export interface Line {
  /** From 1; empty lines count. */
  readonly number: number;
  /** Without its end; `undefined` for a line above the bound, which was passed over. */
  readonly text: string | undefined;
}

/**
 * Reads UTF-8; lines end with LF or CRLF, the last one may lack its end. Empty lines are left out.
 * @param maxBytes longest line
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let number = 0;
  let held = 0;
  let tooLong = false;
  let parts: string[] = [];
  const decoder = new StringDecoder('utf8');

  const hold = (bytes: Uint8Array): void => {
    held += bytes.length;
    tooLong ||= held > maxBytes;
    if (tooLong) parts = [];
    else parts.push(decoder.write(bytes));
  };
  const take = (): Line => {
    const rest = decoder.end();
    const text = tooLong ? undefined : (parts.join('') + rest).replace(/\r$/, '');
    number += 1;
    held = 0;
    tooLong = false;
    parts = [];
    return { number, text };
  };

  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      hold(chunk.subarray(from, end));
      from = end + 1;
      const line = take();
      if (line.text?.trim() !== '') yield line;
    }
    hold(chunk.subarray(from));
  }
  if (held > 0) {
    const line = take();
    if (line.text?.trim() !== '') yield line;
  }
}

const LF = 0x0a;
