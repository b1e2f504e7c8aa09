/** Images of the component cache, brought into the test cluster: no registry in between. */
import path from 'node:path';
import { withLock } from '../../../resources/components/lock.mjs';
import { cacheFolder } from '../../../gate-service/src/settings/components.ts';
import { archiveOf, type ImageSet } from '../../image/image-set.ts';
import { importedImages, importImage, type ImportedImage } from '../../support/cluster/images.ts';

/** Makes sure that the running cluster has the images; answers them in their order. Minutes when one has to be built. */
export async function inCluster(set: ImageSet): Promise<readonly ImportedImage[]> {
  const present = await found(set);
  if (present !== undefined) return present;
  const archive = await archiveOf(set);
  return withLock(
    path.join(cacheFolder(), `${set.name}-import.lock`),
    async () => {
      const there = await found(set);
      if (there !== undefined) return there;
      await importImage(archive);
      const imported = await found(set);
      if (imported === undefined) {
        throw new Error(
          `${archive} was imported, and the cluster lacks one of ${set.images.join(', ')}`,
        );
      }
      return imported;
    },
    () => undefined,
  );
}

async function found({ images }: ImageSet): Promise<readonly ImportedImage[] | undefined> {
  const there = new Map((await importedImages()).map((image) => [image.name, image]));
  const own = images.map((name) => there.get(name));
  return own.every((image) => image !== undefined) ? own : undefined;
}
