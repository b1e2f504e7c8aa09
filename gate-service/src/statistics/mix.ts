/**
 * Randomness without state: a number in [0, 1) that depends on nothing but the seed and the keys,
 * so that a split of samples does not change when the file's lines change their order.
 * (Murmur3's 32-bit mixing and finalizer, Appleby 2011; good for splitting, not for secrets.)
 */
export function mix(seed: number, ...keys: readonly number[]): number {
  let hash = seed | 0;
  for (const key of keys) {
    // Numbers above 2^32 contribute both halves.
    hash = round(round(hash, key | 0), Math.floor(key / 4294967296) | 0);
  }
  hash ^= keys.length * 8;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
}

function round(hash: number, key: number): number {
  let k = Math.imul(key, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = hash ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
