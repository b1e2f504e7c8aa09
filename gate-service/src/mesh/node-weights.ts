/**
 * Weights between nodes of unequal speed (other machine types, noisy neighbours). A plan carries
 * them on its endpoints: Envoy takes them as `load_balancing_weight`, Istio as the weight of a
 * WorkloadEntry. Istio has no weight for a pod that a Service selects, so that a platform whose
 * nodes are pods registers them as WorkloadEntries, or splits the arm into subsets by speed and
 * weighs those.
 */

/** What a node did over a stretch of steady load. */
export interface NodeWork {
  readonly requests: number;
  /** Time that its workers spent on them, summed over all workers. */
  readonly busySeconds: number;
}

/** Weight of the fastest node: fine enough for a percent. */
const FASTEST = 100;

/** Requests per busy second of a worker; `undefined` where the evidence is missing or no number. */
export function speedOf({ requests, busySeconds }: NodeWork): number | undefined {
  const speed = requests / busySeconds;
  return Number.isFinite(speed) && speed > 0 ? speed : undefined;
}

/**
 * Weights of an arm's nodes: speed^(percent / 100), so that 0 shares equally and 100 in proportion
 * to speed. A node of unknown speed makes them all equal: what was not measured is no reason.
 * @param speeds in any one unit, one per node
 * @param percent 0..100, the knob `mesh.nodeWeighting`
 * @throws RangeError for another percent
 */
export function nodeWeights(
  speeds: readonly (number | undefined)[],
  percent: number,
): readonly number[] {
  if (!(percent >= 0 && percent <= 100)) {
    throw new RangeError(`The weighting of nodes must be within 0..100 %, got ${percent}.`);
  }
  const known = speeds.filter(
    (speed): speed is number => speed !== undefined && Number.isFinite(speed) && speed > 0,
  );
  const fastest = Math.max(...known);
  const equal = known.every((speed) => speed === fastest);
  if (percent === 0 || known.length < speeds.length || equal) return speeds.map(() => 1);
  return known.map((speed) =>
    Math.max(1, Math.round(FASTEST * (speed / fastest) ** (percent / 100))),
  );
}
