import { openLocalPlatform, type LocalPlatform } from '../platforms/local/local-platform.ts';
import { loadComponents } from '../settings/components.ts';
import { machineShare } from '../settings/node-resources.ts';

/** The platform of a state folder, to look at or to end; nothing is started. */
export function existingPlatform(
  state: string,
  log: (message: string) => void,
): Promise<LocalPlatform> {
  return openLocalPlatform({
    state,
    components: loadComponents(),
    nodeResources: machineShare(),
    log,
  });
}
