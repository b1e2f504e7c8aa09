import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../../resources/components/command.ts';
import { mkimage } from './image-archive.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-image-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function rootWith(name: string, content: string): Promise<string> {
  const root = path.join(folder, name);
  await mkdir(root);
  await writeFile(path.join(root, 'file'), content);
  return root;
}

const image = { name: 'localhost/test:1', command: ['/file'] };

test('the same files make the same digest, whenever they were written; other files another', async () => {
  const one = await rootWith('one', 'a');
  const two = await rootWith('two', 'a');
  await utimes(path.join(two, 'file'), 1, 1);
  const three = await rootWith('three', 'b');
  const digest = async (root: string) =>
    (await mkimage(path.join(folder, `${path.basename(root)}.tar`), { ...image, root })).digest;
  expect(await digest(two)).toBe(await digest(one));
  expect(await digest(three)).not.toBe(await digest(one));
});

test('leaves nothing beside the archive, whose blobs have the names of their sums', async () => {
  const root = await rootWith('root', 'a');
  const archive = path.join(folder, 'out', 'image.tar');
  await mkimage(archive, { ...image, root });
  expect(await readdir(path.dirname(archive))).toEqual(['image.tar']);
  const unpacked = path.join(folder, 'unpacked');
  await mkdir(unpacked);
  await run('tar', ['-xf', archive, '-C', unpacked]);
  const blobs = path.join(unpacked, 'blobs', 'sha256');
  const names = await readdir(blobs);
  expect(names).toHaveLength(3);
  const { stdout } = await run('sha256sum', names, { cwd: blobs });
  for (const name of names) expect(stdout).toContain(`${name}  ${name}`);
});

test.each(['localhost/test', 'localhost/test:latest', 'localhost:5000/test'])(
  'refuses %s, which a kubelet would pull',
  async (name) => {
    const root = await rootWith('root', 'a');
    const made = mkimage(path.join(folder, 'image.tar'), { ...image, name, root });
    await expect(made).rejects.toThrow('tag');
  },
);
