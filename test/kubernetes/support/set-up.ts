/** Global set-up of the tests on Kubernetes: the cluster is up for all files, and gone afterwards unless it was there before. */
import { clusterDown, clusterUp } from '../../support/cluster/cluster.ts';
import { defaultLayout } from '../../support/cluster/layout.ts';
import { isThere } from '../../support/cluster/takedown.ts';

export default async function setUp(): Promise<() => Promise<void>> {
  // One that is there but limps is somebody's, too.
  const wasThere = isThere(defaultLayout);
  await clusterUp();
  return async () => {
    if (!wasThere) await clusterDown();
  };
}
