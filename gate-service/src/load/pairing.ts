/**
 * Pairs: each two adjacent requests carry the same payload, one to each arm, in random order, so that
 * whatever the machine does to one arm it does to the other (duet measuring; facts/measuring.md).
 * Pure.
 */
import { createRandom } from '../statistics/random.ts';
import type { WorkerShare } from './sender.ts';

export interface Pair {
  /** Number of the pair, from 1, each once over all workers; the value of `${sequence}`. */
  readonly sequence: number;
  /** Index of the request kind in the workload. */
  readonly kind: number;
  /** Which of the two arms goes first; the other one follows. */
  readonly firstArm: 0 | 1;
  /** Both requests on connections of their own. */
  readonly fresh: boolean;
}

export interface Pairing {
  next(): Pair;
}

export interface PairingOptions {
  /** One per request kind, above 0; the share of a kind is its weight over the sum. */
  readonly weights: readonly number[];
  /** 0-1: share of pairs on fresh connections. */
  readonly freshConnections: number;
  readonly seed: number;
  /** Of one of several workers: numbers of its own, so that no payload comes twice. */
  readonly share?: WorkerShare;
}

/**
 * An endless stream of pairs. Kind, order and connection are drawn from streams of their own: another
 * share of fresh connections leaves the payloads as they were.
 * @throws RangeError when there are no weights or one is not a positive number
 */
export function createPairing({
  weights,
  freshConnections,
  seed,
  share = { place: 0, of: 1 },
}: PairingOptions): Pairing {
  const limits = cumulative(weights);
  const kinds = createRandom(seed, 'kinds');
  const order = createRandom(seed, 'order');
  const fresh = createRandom(seed, 'fresh');
  let sequence = share.place + 1 - share.of;
  return {
    next: () => {
      sequence += share.of;
      return {
        sequence,
        kind: indexOf(limits, kinds.next()),
        firstArm: order.next() < 0.5 ? 0 : 1,
        fresh: fresh.next() < freshConnections,
      };
    },
  };
}

/** Upper limits of each weight's part of [0, 1). */
function cumulative(weights: readonly number[]): number[] {
  if (weights.length === 0) throw new RangeError('a workload needs at least one request');
  if (!weights.every((weight) => weight > 0 && Number.isFinite(weight))) {
    throw new RangeError(`weights are positive numbers, got ${weights.join(', ')}`);
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => (sum += weight) / total);
}

function indexOf(limits: readonly number[], value: number): number {
  const index = limits.findIndex((limit) => value < limit);
  // Rounding may leave the last limit a hair below 1.
  return index < 0 ? limits.length - 1 : index;
}
