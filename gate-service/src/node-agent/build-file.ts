import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ComponentError, messageOf } from './component-error.ts';
import type { NodeDescription } from './protocol.ts';

/** Rejects unless the WAR is the build that the node was told to run: a digest is what was judged. */
export async function verifyBuild({ digest, war }: NodeDescription['build']): Promise<void> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(war), hash);
  } catch (error) {
    throw new ComponentError('node', `cannot read the build ${war}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const found = hash.digest('hex');
  if (found !== digest) {
    throw new ComponentError(
      'node',
      `${war} has SHA-256 ${found}, not ${digest} as the node was told; it was changed or cut short`,
    );
  }
}
