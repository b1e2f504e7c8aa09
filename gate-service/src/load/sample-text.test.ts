import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readLines, type TextLimits } from './sample-text.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-text-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

let files = 0;
async function linesOf(content: string | Buffer, limits?: TextLimits): Promise<string[]> {
  files += 1;
  const file = join(folder, `text-${files}`);
  await writeFile(file, content);
  const lines: string[] = [];
  await readLines(file, (line) => lines.push(line), limits);
  return lines;
}

describe('lines of a file', () => {
  test('are what lies between line ends, plain or gzip, in one member or many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.nat({ max: 40 }), async (text, at) => {
        const expected = text
          .toWellFormed()
          .replace(/^\u{feff}/u, '')
          .split('\n');
        if (expected.at(-1) === '') expected.pop();
        const bytes = Buffer.from(text);
        const members = [bytes.subarray(0, at), bytes.subarray(at)].map((part) => gzipSync(part));
        expect(await linesOf(Buffer.concat(members))).toEqual(expected);
        fc.pre(!(bytes[0] === 0x1f && bytes[1] === 0x8b));
        expect(await linesOf(bytes)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('hold together across the chunks of a file', async () => {
    const lines = Array.from({ length: 40_000 }, (_, index) => `ü${index}€`);
    expect(await linesOf(lines.join('\n'))).toEqual(lines);
  });

  test('come from a pipe as well, which can be read only once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const lines: string[] = [];
    const read = readLines(pipe, (line) => lines.push(line));
    createWriteStream(pipe).end(gzipSync('a\nb\n'));
    await read;
    expect(lines).toEqual(['a', 'b']);
  });

  test('have an end, also when a little gzip holds a lot', async () => {
    const limits = { characters: 100_000, lines: 1000 };
    await expect(linesOf(gzipSync('\n'.repeat(5000)), limits)).rejects.toThrow(
      'more than 1000 lines',
    );
    await expect(linesOf(gzipSync(`${'x'.repeat(999)}\n`.repeat(900)), limits)).rejects.toThrow(
      'more than 100000 characters',
    );
    await expect(linesOf(gzipSync(Buffer.alloc(20_000_000)))).rejects.toThrow('not made of lines');
  });

  test('stop where the reader refuses one, with its error', async () => {
    const file = join(folder, 'refused');
    await writeFile(file, 'a\nb\nc\n');
    const seen: string[] = [];
    const refuse = (line: string): void => {
      seen.push(line);
      if (line === 'b') throw new Error('no b');
    };
    await expect(readLines(file, refuse)).rejects.toThrow('no b');
    expect(seen).toEqual(['a', 'b']);
  });
});
