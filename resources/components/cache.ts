/** The cache of components: entries keyed by what they are made of, put in place by a rename. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SetupError } from './command.ts';

/** Runs `work` with a new folder in `cache`, which is gone afterwards unless `work` has moved it. */
export async function withTemporaryFolder<T>(
  cache: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(path.join(cache, '.incomplete-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The folder `name` in `cache`, filled by `fill` when it is not there yet. It appears with all its
 * content or not at all: `fill` works on a temporary folder beside it.
 */
export async function entry(
  cache: string,
  name: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const target = path.join(cache, name);
  if (!existsSync(target)) {
    await withTemporaryFolder(cache, async (folder) => {
      await fill(folder);
      // mkdtemp's 0700 would keep other users' servers from what lies in it.
      await chmod(folder, 0o755);
      await rename(folder, target);
    });
  }
  return target;
}

/** Removes what an interrupted set-up left behind. Only for the holder of the lock. */
export async function removeIncomplete(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith('.incomplete-')) {
      await rm(path.join(cache, name), { recursive: true, force: true });
    }
  }
}

/** SHA-256 of a file, in hex. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** @throws SetupError when the file's SHA-256 is not the pinned one */
export async function verify(file: string, sha256: string): Promise<void> {
  const found = await sha256OfFile(file);
  if (found !== sha256) {
    throw new SetupError(
      `${path.basename(file)} is not the pinned file: its SHA-256 is ${found}, expected ${sha256}. ` +
        'Nothing was installed from it. Find out where it came from before you try again.',
    );
  }
}

/** Files below `folder` with their paths relative to it, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((item) => item.isFile())
    .map((item) => path.relative(folder, path.join(item.parentPath, item.name)))
    .sort();
}

/** A digest over names and contents of all files below the folders, and over further words. */
export async function digestOf(folders: readonly string[], ...words: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const file of await filesBelow(folder)) {
      hash.update(`${file}\0`).update(await readFile(path.join(folder, file)));
      hash.update('\0');
    }
  }
  return hash.update(words.join('\0')).digest('hex').slice(0, 16);
}
