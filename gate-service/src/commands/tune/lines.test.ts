import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readLines, type Line } from './lines.ts';

async function linesOf(chunks: readonly Uint8Array[], maxBytes = 100): Promise<Line[]> {
  const stream = (async function* () {
    yield* await Promise.resolve(chunks);
  })();
  return all(readLines(stream, maxBytes));
}

async function all(lines: AsyncIterable<Line>): Promise<Line[]> {
  const found: Line[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

it('gives each line with its number, wherever the chunks are cut', async () => {
  const bytes = Buffer.from('{"a":1}\r\n\n  \nzwei \u00fc\u{1f600}\nlast');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const places = [0, ...cuts.sort((one, other) => one - other), bytes.length];
      const chunks = places.map((from, index) => bytes.subarray(from, places[index + 1]));
      expect(await linesOf(chunks)).toEqual([
        { number: 1, text: '{"a":1}' },
        { number: 4, text: 'zwei \u00fc\u{1f600}' },
        { number: 5, text: 'last' },
      ]);
    }),
  );
});

it('passes over a line above the bound without holding it, and goes on', async () => {
  let written = 0;
  const flood = (async function* () {
    for (; written < 1000; written += 1) yield await Promise.resolve(Buffer.alloc(1024, 'x'));
    yield Buffer.from('\nshort\n');
  })();
  const before = process.memoryUsage().arrayBuffers;
  const lines = await all(readLines(flood, 100));
  expect(lines).toEqual([
    { number: 1, text: undefined },
    { number: 2, text: 'short' },
  ]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  expect(await linesOf([Buffer.from(`${'x'.repeat(100)}\n${'x'.repeat(101)}\n`)])).toMatchObject([
    { text: 'x'.repeat(100) },
    { text: undefined },
  ]);
});

it('reads no further than it is asked', async () => {
  let taken = 0;
  const chunks = (async function* () {
    for (;;) {
      taken += 1;
      yield await Promise.resolve(Buffer.from('a\n'));
    }
  })();
  for await (const { number } of readLines(chunks, 100)) if (number === 3) break;
  expect(taken).toBe(3);
});
