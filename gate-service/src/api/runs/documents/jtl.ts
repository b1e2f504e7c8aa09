/** JTL in CSV, as JMeter and the Jenkins Performance plugin read it. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SampleFormatError, SampleParser } from '../../../load/sample-parser.ts';
import type { Sample } from '../../../load/sample.ts';

export const JTL_HEADER = 'timeStamp,elapsed,label,responseCode,responseMessage,success,bytes\n';
/** Text without a line end in sight for so long is no sample file. */
const MAX_UNFINISHED = 1_000_000;

/**
 * A sample file as JTL, piece by piece as fast as it is read: a long measurement is never in memory as a whole.
 * @throws SampleFormatError for a malformed line, also after good ones; errors of the file and of gzip
 */
export async function* jtlOf(file: string, startedAtMs: number): AsyncGenerator<string, void> {
  let out = JTL_HEADER;
  const parser = new SampleParser({
    sample: (sample) => {
      // Warm-up was sent too, but it is no result.
      if (sample.window >= 0) out += jtlLine(sample, startedAtMs);
    },
  });
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of await unpacked(file)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_UNFINISHED) throw new SampleFormatError(0, 'not made of lines');
    for (const line of lines) parser.push(line);
    if (out === '') continue;
    yield out;
    out = '';
  }
  rest += decoder.decode();
  if (rest !== '') parser.push(rest);
  parser.finish();
  yield out;
}

/** Its text in bytes; gzip is told by its first two. */
async function unpacked(file: string): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(file);
  const head = Buffer.alloc(2);
  await handle.read(head, 0, 2, 0).finally(() => handle.close());
  const source = createReadStream(file);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return source;
  const gunzip = createGunzip();
  pipeline(source, gunzip, () => undefined);
  return gunzip;
}

/**
 * One line. The sample knows whether a request failed, not the code of one that went well, and no sizes.
 * @param startedAtMs start of the measurement, milliseconds since the epoch
 */
export function jtlLine(sample: Sample, startedAtMs: number): string {
  const success = sample.status === 'ok';
  const isCode = /^\d{3}$/.test(sample.status);
  return [
    Math.round(startedAtMs + sample.intendedUs / 1000),
    Math.round(sample.latencyUs / 1000),
    `${sample.arm}/${sample.kind}`,
    success ? '200' : isCode ? sample.status : '',
    success || isCode ? '' : sample.status,
    String(success),
    0,
  ]
    .join(',')
    .concat('\n');
}
