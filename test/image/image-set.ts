/** Images built by Docker together, kept as one archive in the component cache. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { entry } from '../../resources/components/cache.ts';
import { withLock } from '../../resources/components/lock.mjs';
import { cacheFolder } from '../../gate-service/src/settings/components.ts';
import { startDockerEngine, type DockerEngine } from '../support/docker-engine.ts';

/** Images that are built together. */
export interface ImageSet {
  /** Its place in the cache; only its newest content is kept. */
  readonly name: string;
  /** Changes with anything that the images are made of. */
  readonly key: string;
  /** Names with a tag that holds the key. */
  readonly images: readonly string[];
  /** Builds all of {@link images}. */
  readonly build: (engine: DockerEngine) => Promise<void>;
}

/** A `docker save` of the set, in the cache. */
export async function archiveOf(set: ImageSet): Promise<string> {
  const cache = cacheFolder();
  const prefix = `cluster-${set.name}-`;
  const archive = path.join(cache, `${prefix}${set.key}`, 'images.tar');
  if (existsSync(archive)) return archive;
  await withLock(
    path.join(cache, `cluster-${set.name}.lock`),
    async () => {
      await entry(cache, `${prefix}${set.key}`, (folder) =>
        save(set, path.join(folder, 'images.tar')),
      );
      // Hundreds of megabytes each, and nobody goes back to an older one.
      for (const name of await readdir(cache)) {
        if (/-[0-9a-f]{16}$/.test(name) && name.startsWith(prefix) && !name.endsWith(set.key)) {
          await rm(path.join(cache, name), { recursive: true });
        }
      }
    },
    () => undefined,
  );
  return archive;
}

async function save({ build, images }: ImageSet, archive: string): Promise<void> {
  const engine = await startDockerEngine();
  try {
    await build(engine);
    await engine.docker(['save', '--output', archive, ...images]);
  } finally {
    await engine.stop();
  }
}
