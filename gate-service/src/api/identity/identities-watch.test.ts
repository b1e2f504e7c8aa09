import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DocumentError } from '../../settings/yaml-document.ts';
import { watchIdentities } from './identities-watch.ts';
import type { WatchedIdentities } from './identities-watch.ts';
import { tokenDigest } from './token-book.ts';

const OLD = 'the-old-token-0123456789';
const NEW = 'the-new-token-0123456789';

let directory: string;
let file: string;
let log: string[];
let watched: WatchedIdentities | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-identities-'));
  file = join(directory, 'identities.yaml');
  log = [];
});
afterEach(async () => {
  watched?.close();
  await rm(directory, { recursive: true });
});

const said = (level: string) => (_fields: object, message: string) => {
  log.push(`${level}: ${message}`);
};
async function open(): Promise<WatchedIdentities> {
  watched = await watchIdentities({
    file,
    services: ['checkout'],
    log: { info: said('info'), warn: said('warn'), error: said('error') },
  });
  return watched;
}

/** As deployments do it: written beside, renamed into place. */
async function write(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const entry = (token: string, services = '*') =>
  `tokens: [{ name: ann, kind: person, sha256: ${tokenDigest(token)}, rights: { read: ${services === '*' ? "'*'" : `[${services}]`} } }]`;

const knows = async (identities: WatchedIdentities, token: string): Promise<boolean> => {
  const found = await identities.recognise(token);
  return found !== undefined && 'identity' in found;
};

it('takes a changed file at once when told, and an unchanged one without a word', async () => {
  await write(entry(OLD));
  const identities = await open();
  expect(await identities.reload()).toBe(true);
  expect(log).toEqual([]);
  await write(entry(NEW));
  expect(await identities.reload()).toBe(true);
  expect([await knows(identities, OLD), await knows(identities, NEW)]).toEqual([false, true]);
  expect(log).toEqual([expect.stringMatching(/^info: .*is in force$/)]);
});

it('finds a change by itself', async () => {
  await write(entry(OLD));
  const identities = await open();
  await write(`${entry(NEW)}\n`);
  const known = async (): Promise<void> => {
    expect(await knows(identities, NEW)).toBe(true);
  };
  await vi.waitFor(known, { timeout: 30_000, interval: 100 });
}, 40_000);

it.each([
  ['broken', 'tokens: ['],
  ['wrong', 'tokens: [{ name: ann }]'],
  ['unknown', 'token: []'],
])('keeps what it knew when the file is %s, and says so', async (_, text) => {
  await write(entry(OLD));
  const identities = await open();
  await write(text);
  expect(await identities.reload()).toBe(false);
  expect(await knows(identities, OLD)).toBe(true);
  expect(log).toEqual([expect.stringMatching(/^error: .*the one before is still in force/)]);
  await rm(file);
  expect(await identities.reload()).toBe(false);
  expect(await knows(identities, OLD)).toBe(true);
});

it('does not begin with a file that is wrong or missing', async () => {
  await expect(open()).rejects.toThrow(/ENOENT/);
  await write('tokens: [{ name: ann }]');
  await expect(open()).rejects.toThrow(DocumentError);
});

it('says which services are not in the catalogue', async () => {
  await write(entry(OLD, 'chekout'));
  await open();
  expect(log).toEqual([expect.stringMatching(/^warn: .*not in the catalogue/)]);
});
