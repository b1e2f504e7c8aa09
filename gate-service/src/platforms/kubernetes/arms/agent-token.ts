/** The bearer token of an arm's agents, made from one key: the gate then never has to read a Secret. */
import { createHmac } from 'node:crypto';

const SHORTEST_KEY = 32;

/**
 * HMAC-SHA256 of the arm's id, in hex.
 * @param key at least 32 bytes, the same in all replicas and over restarts
 * @throws RangeError for a shorter key
 */
export function agentToken(key: Uint8Array, armId: string): string {
  if (key.length < SHORTEST_KEY) {
    throw new RangeError(
      `the key of the agents' tokens has ${key.length} bytes; it needs at least ${SHORTEST_KEY}`,
    );
  }
  return createHmac('sha256', key).update(armId).digest('hex');
}
