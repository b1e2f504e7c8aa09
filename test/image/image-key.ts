/** What tells an image's content apart from that of other sources. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../../resources/components/cache.ts';
import { DEBIAN_IMAGE } from '../support/docker-engine.ts';
import { contextFiles, dockerfileOf, type ImageName } from './image-build.ts';

const ROOT = path.join(import.meta.dirname, '../..');

/**
 * Over the Dockerfile, the base, Node.js and all that gets into the image.
 * @param sources files and folders of the repository; tests among them do not count
 * @param more what else the image is made of
 */
export async function imageKey(
  name: ImageName,
  sources: readonly string[],
  more: readonly string[] = [],
): Promise<string> {
  const hash = createHash('sha256');
  const dockerfile = await readFile(dockerfileOf(name), 'utf8');
  hash.update(`${dockerfile}\0${DEBIAN_IMAGE}\0${process.version}\0`);
  for (const file of await contextFiles()) {
    const isPart = sources.some((source) => file === source || file.startsWith(`${source}/`));
    if (!isPart || file.endsWith('.test.ts')) continue;
    hash.update(`${file}\0${await sha256OfFile(path.join(ROOT, file))}\0`);
  }
  for (const one of more) hash.update(one);
  return hash.digest('hex').slice(0, 16);
}
