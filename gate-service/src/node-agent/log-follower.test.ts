import { appendFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followLogs } from './log-follower.ts';

let directory: string;
const lines: string[] = [];
const write = (line: string): void => {
  lines.push(line);
};

beforeEach(async () => {
  lines.length = 0;
  directory = await mkdtemp(join(tmpdir(), 'log-follower-'));
  await mkdir(join(directory, 'jetty/1'), { recursive: true });
  await mkdir(join(directory, 'httpd/run'), { recursive: true });
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

it('passes on whole lines of all components, also of a Jetty that comes later, and the rest at the end', async () => {
  const log = join(directory, 'jetty/1/jetty.log');
  await writeFile(log, 'started\nhalf of');
  const follower = followLogs({ directory, write, everyMs: 5 });
  await vi.waitFor(
    () => {
      expect(lines).toEqual(['jetty: started']);
    },
    { timeout: 30_000 },
  );
  await appendFile(log, ' a line\n');
  await mkdir(join(directory, 'jetty/2'));
  await writeFile(join(directory, 'jetty/2/jetty.log'), 'größer\n');
  await vi.waitFor(
    () => {
      expect(lines).toEqual(['jetty: started', 'jetty: half of a line', 'jetty: größer']);
    },
    { timeout: 30_000 },
  );
  await writeFile(join(directory, 'httpd/run/httpd-error.log'), 'AH00489\n');
  await follower.stop();
  expect(lines.at(-1)).toBe('httpd: AH00489');
});

it('passes a character on whole whose bytes come in parts', async () => {
  const log = join(directory, 'jetty/1/jetty.log');
  const bytes = Buffer.from('ü\n');
  await writeFile(log, bytes.subarray(0, 1));
  let looked = 0;
  const follower = followLogs({ directory, write, everyMs: 1 });
  await vi.waitFor(
    async () => {
      looked += (await stat(log)).size;
      expect(looked).toBeGreaterThan(5);
    },
    { timeout: 30_000 },
  );
  await appendFile(log, bytes.subarray(1));
  await follower.stop();
  expect(lines).toEqual(['jetty: ü']);
});

it('empties a file that has grown too large once it was passed on, and goes on with it', async () => {
  const log = join(directory, 'jetty/1/jetty.log');
  await writeFile(log, `${'x'.repeat(50)}\n`.repeat(10));
  const follower = followLogs({ directory, write, everyMs: 5, largestBytes: 100 });
  await vi.waitFor(
    async () => {
      expect((await stat(log)).size).toBe(0);
    },
    { timeout: 30_000 },
  );
  expect(lines).toHaveLength(10);
  await appendFile(log, 'after\n');
  await follower.stop();
  expect(lines.slice(10)).toEqual(['jetty: after']);
});
