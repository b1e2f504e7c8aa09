/** The gate service's image in the test cluster. */
import { gateImageSet } from '../../image/gate-image.ts';
import type { ImportedImage } from '../../support/cluster/images.ts';
import { inCluster } from './image-store.ts';

/** Built from the sources as they lie here; minutes when something of them has changed. */
export async function gateImage(): Promise<ImportedImage> {
  const [image] = await inCluster(await gateImageSet());
  if (image === undefined) throw new Error('the set of the gate service has no image');
  return image;
}
