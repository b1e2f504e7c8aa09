/**
 * Whose turn it is. Two nodes at work at the same time would share two cores, and each would measure the
 * other; so that they stand side by side and are loaded in turns, never together. Two nodes rather than
 * one that is swapped to and fro: the incumbent's is never touched, its JVM stays as warm as it was, and
 * a change costs one swap and not one for every turn. In the order A BB AA BB A a slow drift of the machine
 * weighs on both alike, and windows that follow each other on a node share one warming-up.
 */

export interface Stretch<Lane> {
  readonly lane: Lane;
  /** Windows on this node without a pause. */
  readonly windows: number;
}

export type PairLane = 'incumbent' | 'challenger';

/** @param pairs of one window each; at least 1 */
export function turnsOf(pairs: number): Stretch<PairLane>[] {
  const lanes = Array.from({ length: pairs }, (_, pair): readonly PairLane[] =>
    pair % 2 === 0 ? ['incumbent', 'challenger'] : ['challenger', 'incumbent'],
  ).flat();
  const stretches: { lane: PairLane; windows: number }[] = [];
  for (const lane of lanes) {
    const last = stretches.at(-1);
    if (last?.lane === lane) last.windows += 1;
    else stretches.push({ lane, windows: 1 });
  }
  return stretches;
}

/** All lanes once a round, each round beginning with the next one. */
export function roundsOf<Lane>(lanes: readonly Lane[], rounds: number): Lane[] {
  return Array.from({ length: rounds }, (_, round) =>
    lanes.map((_lane, place) => lanes[(round + place) % lanes.length]!),
  ).flat();
}
