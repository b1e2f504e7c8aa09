/** The state folder of the local platform. Everything of it is below `root`; `logs` outlive `down`. */
import { join } from 'node:path';
import type { Environment } from '../../mesh/plan.ts';

export interface Folders {
  readonly root: string;
  readonly records: string;
  readonly logs: string;
  readonly stateFile: string;
  /** There while the platform is ended on purpose: nobody starts anything again. */
  readonly downMarker: string;
  /** Record of the gate service that supervises. */
  readonly ownerFile: string;
  /** Same file system as the watched folders, but outside them. */
  readonly temporary: string;
  readonly nodes: string;
  readonly prometheus: string;
  readonly mesh: string;
  readonly envoy: (environment: Environment) => {
    readonly bootstrap: string;
    readonly watched: string;
  };
}

export function foldersOf(root: string): Folders {
  return {
    root,
    records: join(root, 'components'),
    logs: join(root, 'logs'),
    stateFile: join(root, 'platform.json'),
    downMarker: join(root, 'down'),
    ownerFile: join(root, 'owner.json'),
    temporary: join(root, 'temporary'),
    nodes: join(root, 'nodes'),
    prometheus: join(root, 'prometheus'),
    mesh: join(root, 'mesh'),
    envoy: (environment) => ({
      bootstrap: join(root, 'mesh', environment, 'bootstrap.json'),
      watched: join(root, 'mesh', environment, 'xds'),
    }),
  };
}
