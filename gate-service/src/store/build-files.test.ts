import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBuildFiles } from './build-files.ts';
import type { BuildFiles } from './build-files.ts';
import { makeZip } from '../../../test/support/make-zip.ts';

const MAX_BYTES = 64 * 1024;
let directory: string;
let builds: BuildFiles;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-builds-'));
  builds = await openBuildFiles({ directory, maxBytes: MAX_BYTES });
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function* pieces(bytes: Uint8Array, size = 7) {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

it('keeps a WAR under its digest, byte for byte, however often it comes', async () => {
  const war = makeZip({ 'META-INF/MANIFEST.MF': 'm', 'WEB-INF/web.xml': '<web-app/>' });
  const digest = sha256(war);
  expect(await builds.find(digest)).toBeUndefined();
  const first = await builds.receive(digest, pieces(war));
  expect(first).toMatchObject({ sizeBytes: war.length });
  expect(await readFile(first.path)).toStrictEqual(Buffer.from(war));
  expect(await builds.receive(digest, pieces(war))).toStrictEqual(first);
  expect(await builds.find(digest)).toStrictEqual({ path: first.path, sizeBytes: war.length });
});

it('finds the directory of an archive whose comment holds the signature of an end', async () => {
  const comment = Buffer.concat([Buffer.from([0x50, 0x4b, 5, 6]), Buffer.alloc(30)]);
  const war = makeZip({ 'WEB-INF/web.xml': '' }, comment);
  expect(await builds.receive(sha256(war), pieces(war))).toMatchObject({ sizeBytes: war.length });
});

it.each([
  ['a text', Buffer.from('hello'), /is no WAR.*no ZIP archive/],
  ['nothing', Buffer.alloc(0), /is no WAR.*no ZIP archive/],
  [
    'a ZIP without WEB-INF/',
    makeZip({ 'a.txt': 'x', 'b.txt': 'y' }),
    /without WEB-INF.*a\.txt, b\.txt/,
  ],
  ['a file that only looks like WEB-INF', makeZip({ 'WEB-INF': 'x' }), /without WEB-INF/],
  ['half an archive', makeZip({ 'WEB-INF/web.xml': 'x'.repeat(99) }).subarray(0, 80), /is no WAR/],
])('refuses %s', async (_, content, message) => {
  await expect(builds.receive(sha256(content), pieces(content))).rejects.toThrow(message);
  expect(await readdir(directory)).toStrictEqual([]);
});

it('refuses every archive whose directory is damaged, and never hangs or crashes on one', async () => {
  const war = makeZip({ 'WEB-INF/web.xml': 'x', 'index.html': 'y' });
  const start = war.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  for (const at of [start, start + 28, start + 29, war.length - 22 + 10, war.length - 22 + 16]) {
    const damaged = Buffer.from(war);
    damaged[at] = (damaged[at]! ^ 0x55) & 0xff;
    await expect(builds.receive(sha256(damaged), pieces(damaged))).rejects.toMatchObject({
      problem: 'not-a-war',
    });
  }
});

it('refuses another content than announced', async () => {
  const war = makeZip({ 'WEB-INF/web.xml': '' });
  const announced = 'a'.repeat(64);
  await expect(builds.receive(announced, pieces(war))).rejects.toMatchObject({
    problem: 'digest-mismatch',
    message: expect.stringContaining(sha256(war)) as string,
  });
  expect(await readdir(directory)).toStrictEqual([]);
});

it('stops reading once the cap is passed', async () => {
  let read = 0;
  async function* endless() {
    for (;;) {
      await Promise.resolve();
      read += 1024;
      yield Buffer.alloc(1024);
    }
  }
  await expect(builds.receive('a'.repeat(64), endless())).rejects.toMatchObject({
    problem: 'too-large',
  });
  expect(read).toBeLessThanOrEqual(MAX_BYTES + 1024);
  expect(await readdir(directory)).toStrictEqual([]);
});

it('leaves nothing of an upload that breaks off', async () => {
  async function* broken() {
    yield Buffer.alloc(10);
    await Promise.resolve();
    throw new Error('aborted');
  }
  await expect(builds.receive('a'.repeat(64), broken())).rejects.toMatchObject({
    problem: 'incomplete',
  });
  expect(await readdir(directory)).toStrictEqual([]);
});

it('clears what a former service left unfinished, and nothing else', async () => {
  await writeFile(join(directory, '.upload-old'), 'x');
  const yesterday = new Date(Date.now() - 86_400_000);
  await utimes(join(directory, '.upload-old'), yesterday, yesterday);
  // Another replica is taking it.
  await writeFile(join(directory, '.upload-now'), 'x');
  await writeFile(join(directory, `${'b'.repeat(64)}.war`), 'x');
  await openBuildFiles({ directory, maxBytes: MAX_BYTES });
  expect((await readdir(directory)).sort()).toStrictEqual(['.upload-now', `${'b'.repeat(64)}.war`]);
});

it('never makes a path of anything but a digest', async () => {
  for (const digest of [
    '../../etc/passwd',
    'A'.repeat(64),
    'a'.repeat(63),
    `${'a'.repeat(64)}/x`,
  ]) {
    await expect(builds.find(digest)).rejects.toThrow(TypeError);
    await expect(builds.receive(digest, pieces(Buffer.from('x')))).rejects.toThrow(TypeError);
  }
});
