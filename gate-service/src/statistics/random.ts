/** Seeded randomness: the same seed gives the same arrivals, pairing and splits, on every machine. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
}

/** First outputs of xoroshiro128+ from a seed with few bits set are alike; they are skipped. */
const SKIPPED_OUTPUTS = 20;

/**
 * A source of its own for each purpose, so that drawing more of one thing changes nothing of another.
 * Generator: xoroshiro128+ (Blackman & Vigna 2018), from pure-rand.
 * @param seed any integer; only its lowest 32 bits count
 * @param purpose names the stream, e.g. `arrivals`
 * @throws RangeError when the seed is not an integer
 */
export function createRandom(seed: number, purpose = ''): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`a seed is an integer, got ${seed}`);
  const generator = xoroshiro128plus(streamSeed(seed, purpose));
  for (let i = 0; i < SKIPPED_OUTPUTS; i += 1) generator.next();
  return { next: () => uniformFloat64(generator) };
}

/** Uniform whole number in [0, bound). `bound` must be a positive integer below 2^53. */
export function drawInteger(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** A shuffled copy, every order equally likely (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = drawInteger(random, i + 1);
    const moved = result[i] as T;
    result[i] = result[j] as T;
    result[j] = moved;
  }
  return result;
}

/** FNV-1a over the purpose, then Murmur3's finalizer (Appleby 2011) over it and the seed. */
function streamSeed(seed: number, purpose: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i += 1) {
    hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  }
  hash ^= Math.imul(seed | 0, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
