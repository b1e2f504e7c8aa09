import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ComponentError, messageOf } from './component-error.ts';
import type { NodeDescription } from './protocol.ts';

/**
 * Rejects unless the WAR is the build that the node was told to run: a digest is what was judged.
 * With an image's digest the container runtime has seen to that, and the WAR only has to be there.
 */
export async function verifyBuild({
  digest,
  digestOf,
  war,
}: NodeDescription['build']): Promise<void> {
  if (digestOf === 'image') {
    await access(war, constants.R_OK).catch((error: unknown) => unreadable(war, error));
    return;
  }
  const found = await sha256OfWar(war);
  if (found !== digest) {
    throw new ComponentError(
      'node',
      `${war} has SHA-256 ${found}, not ${digest} as the node was told; it was changed or cut short`,
    );
  }
}

/** SHA-256 of a build, lower-case hex. Rejects, naming the file, when it cannot be read. */
export async function sha256OfWar(war: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(war), hash);
  } catch (error) {
    unreadable(war, error);
  }
  return hash.digest('hex');
}

function unreadable(war: string, error: unknown): never {
  throw new ComponentError('node', `cannot read the build ${war}: ${messageOf(error)}`, {
    cause: error,
  });
}
