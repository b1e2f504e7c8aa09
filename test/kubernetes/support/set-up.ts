/** Global set-up of the tests on Kubernetes: the cluster is up for all files, and gone afterwards unless it was there before. */
import { clusterDown, clusterUp } from '../../support/cluster/cluster.ts';
import { defaultLayout } from '../../support/cluster/layout.ts';
import { isAlive } from '../../support/cluster/takedown.ts';

export default async function setUp(): Promise<() => Promise<void>> {
  const wasAlive = await isAlive(defaultLayout);
  await clusterUp();
  return async () => {
    if (!wasAlive) await clusterDown();
  };
}
