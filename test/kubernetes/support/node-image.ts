/** Builds of the sample application on real nodes, as images of the test cluster. */
import {
  sampleFlavours,
  type SampleFlavour,
} from '../../../gate-service/src/settings/components.ts';
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import { CHECKOUT, nodeImageSet } from '../../image/node-images.ts';
import { inCluster } from './image-store.ts';

export { CHECKOUT } from '../../image/node-images.ts';

export type NodeImages = Readonly<Record<SampleFlavour, BuildReference>>;

/** Builds of the sample application on a real node, in the running cluster; minutes when something of the node has changed. */
export async function nodeImages(): Promise<NodeImages> {
  const imported = await inCluster(await nodeImageSet());
  return Object.fromEntries(
    sampleFlavours.map((flavour, index) => {
      const digest = imported[index]?.digest.replace('sha256:', '') ?? '';
      return [flavour, { digest, location: CHECKOUT }];
    }),
  ) as NodeImages;
}
