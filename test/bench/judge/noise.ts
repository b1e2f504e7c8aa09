/**
 * The noise model of the simulated traffic. One request's latency is
 *
 *     own · build · launch · machine(t) · arm(t)  +  pause(t)
 *
 * - own: log-normal around `medianMs`; a share of the requests is multiplied by a Pareto factor
 *   (cache misses, collections: the tail that p99 sees);
 * - build: 1 for the baseline, the simulated factor for the candidate;
 * - launch: log-normal per fresh start of a node, fixed for the run;
 * - machine(t): what both arms suffer alike: AR(1) drift, level shifts at random moments, a trend;
 * - arm(t): noisy neighbours of one arm's nodes, in episodes, and a little noise of its own per second;
 * - pause(t): stalls in clusters (one begets the next), in which a request waits for the end. Most stop
 *   the machine, some one arm only. A slower build makes them no longer.
 *
 * `moderate` is set so that the peers err about as often as in an earlier simulation (measuring.md): a
 * threshold on point estimates calls a quarter of identical builds slower, one build after the other,
 * and Kayenta's rule misses a fifth of +10 % with the builds interleaved.
 */
export interface NoiseModel {
  readonly medianMs: number;
  /** Of the logarithm of a request's own latency. */
  readonly sigma: number;
  readonly tail: { readonly share: number; readonly index: number };
  /** Stationary deviation of the logarithm, and how many seconds it remembers. */
  readonly drift: { readonly sigma: number; readonly seconds: number };
  /** On average so often a minute the level moves by a normal step (logarithm). */
  readonly shifts: { readonly perMinute: number; readonly sigma: number };
  /** Change of the logarithm from begin to end, of either sign. */
  readonly trend: number;
  readonly neighbours: {
    readonly perMinute: number;
    readonly seconds: number;
    readonly sigma: number;
  };
  /** Deviation of the logarithm of one arm's level in one second. */
  readonly perSecond: number;
  readonly stalls: {
    readonly perMinute: number;
    /** Of a stall, on average (exponential). */
    readonly ms: number;
    /** Chance that a stall is followed by another within half a second. */
    readonly cluster: number;
    /** Part of them that stops one arm only. */
    readonly oneArm: number;
  };
  readonly launches: { readonly perArm: number; readonly sigma: number };
}

const moderate: NoiseModel = {
  medianMs: 20,
  sigma: 0.35,
  tail: { share: 0.02, index: 3.5 },
  drift: { sigma: 0.11, seconds: 12 },
  shifts: { perMinute: 1, sigma: 0.04 },
  trend: 0,
  neighbours: { perMinute: 2, seconds: 3, sigma: 0.1 },
  perSecond: 0.055,
  stalls: { perMinute: 10, ms: 30, cluster: 0.5, oneArm: 0.25 },
  launches: { perArm: 2, sigma: 0 },
};

export const noises = {
  quiet: {
    ...moderate,
    drift: { sigma: 0.01, seconds: 40 },
    shifts: { perMinute: 0, sigma: 0 },
    neighbours: { perMinute: 0, seconds: 3, sigma: 0 },
    perSecond: 0.005,
    stalls: { perMinute: 1, ms: 15, cluster: 0.3, oneArm: 0.2 },
  },
  moderate,
  harsh: {
    ...moderate,
    tail: { share: 0.03, index: 2.5 },
    drift: { sigma: 0.12, seconds: 20 },
    shifts: { perMinute: 2, sigma: 0.1 },
    neighbours: { perMinute: 4, seconds: 5, sigma: 0.25 },
    perSecond: 0.15,
    stalls: { perMinute: 30, ms: 60, cluster: 0.6, oneArm: 0.3 },
  },
  /** Each fresh start of a node is 2 % off, in 12 launches an arm. */
  'process-bias': { ...moderate, launches: { perArm: 12, sigma: 0.02 } },
  /** The same with two nodes an arm, too few to see it. */
  'process-bias-2-nodes': { ...moderate, launches: { perArm: 2, sigma: 0.02 } },
  drift: { ...moderate, drift: { sigma: 0.15, seconds: 60 }, trend: 0.3 },
  'level-shifts': { ...moderate, shifts: { perMinute: 3, sigma: 0.15 } },
} as const satisfies Readonly<Record<string, NoiseModel>>;

export type NoiseName = keyof typeof noises;

export const factors = [1, 1.03, 1.05, 1.1, 1.2] as const;
