/**
 * What the critics together say of a configuration: the objective from one critic, each limit from
 * one of its own; latency and errors are never mixed into one number. Where former sessions are
 * known, critics are what these expect, corrected by what is measured now.
 */
import { normalCdf } from '../statistics/distributions.ts';
import { createRandom } from '../statistics/random.ts';
import { chooseCritic } from './critics/choice.ts';
import type { Critic, CriticData } from './critics/critic.ts';
import { fitGaussianProcess } from './critics/gaussian-process.ts';
import type { Hyperparameters } from './critics/hyperparameters.ts';
import { transferEnsemble } from './critics/transfer.ts';
import type { PastCritic } from './critics/transfer.ts';
import { encode } from './encoding.ts';
import { boundedScores, limitScore } from './measures.ts';
import type { ValueScale } from './measures.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Limit, Trial } from './tuner.ts';

/** Foretold of one configuration, on the scale of comparison. */
export interface Outlook {
  readonly mean: number;
  readonly sd: number;
  /** 0–1: probability that an evaluation breaks no limit, by the critics. */
  readonly safe: number;
}

export interface Landscape {
  outlook(values: Values): Outlook;
  /** Standard deviation of one evaluation around the truth, on the scale of comparison. */
  readonly noise: number;
  /** Of each critic, to start the next fit from. */
  readonly hyperparameters: Readonly<Record<string, Hyperparameters>>;
  /** Former sessions that mislead here, and why; empty without any. */
  readonly dropped: readonly { readonly similarity: number; readonly reason: string }[];
}

/** Critics of former sessions, by the name of what they foretell. */
export type PastCritics = Readonly<Record<string, readonly PastCritic[]>>;

export interface LandscapeOptions {
  readonly space: BoundSpace;
  readonly limits: readonly Limit[];
  readonly trials: readonly Trial[];
  readonly scale: ValueScale;
  readonly seed: number;
  readonly past?: PastCritics;
  readonly hyperparameters?: Readonly<Record<string, Hyperparameters>>;
  /** Whether hyper-parameters are fitted anew; else those given are used as they are. */
  readonly refit: boolean;
}

export const OBJECTIVE = 'objective';

/** Name of a limit's critic. */
export function limitCritic({ metric }: Limit): string {
  return `limit ${metric}`;
}

/** Spread of the objective that is expected at first: ±25 % over the neighbourhood. */
const OBJECTIVE_SPREAD = 0.25;
const LIMIT_SPREAD = 0.2;
/** Score (logarithm of metric ÷ limit) above which a metric jumped rather than grew. */
const CLIFF = 0.3;
/** P(a limit holds) where no metric of it was ever told: as likely as not. */
const UNKNOWN = 0.5;
/** From so many evaluations on, trees may take the process's place. */
const CHOICE_FROM = 15;

export function objectiveData(
  space: BoundSpace,
  trials: readonly Trial[],
  scale: ValueScale,
): CriticData {
  const known = trials.filter(({ value, unsafe }) => value !== undefined || unsafe);
  const scoreOf = boundedScores(trials, scale);
  return {
    x: known.map(({ values }) => encode(space, values)),
    y: known.map(({ value }) => scoreOf(value ?? Infinity)),
  };
}

/**
 * What a limit's critic learns from. A metric that jumped far beyond its limit fell off a cliff: that
 * is remembered as a barrier, and would only make a smooth critic afraid of everything.
 */
export function limitData(space: BoundSpace, trials: readonly Trial[], limit: Limit): CriticData {
  const known = trials.flatMap(({ values, metrics }) => {
    const metric = metrics?.[limit.metric];
    if (metric === undefined) return [];
    const score = limitScore(limit, metric);
    return score > CLIFF ? [] : [{ x: encode(space, values), y: score }];
  });
  return { x: known.map(({ x }) => x), y: known.map(({ y }) => y) };
}

export function fitLandscape(options: LandscapeOptions): Landscape {
  const { space, limits, trials, past = {}, hyperparameters: former = {} } = options;
  const hyperparameters: Record<string, Hyperparameters> = {};
  let dropped: Landscape['dropped'] = [];

  function fit(name: string, data: CriticData, spread: number): Critic | undefined {
    const pastOnes = past[name] ?? [];
    if (data.x.length === 0) return undefined;
    const start = former[name];
    const random = createRandom(options.seed, name);
    const how = {
      spread,
      restarts: 0,
      ...(start === undefined ? {} : options.refit ? { start } : { fixed: start }),
    };
    if (pastOnes.length > 0) {
      const critic = transferEnsemble(data, pastOnes, random, how);
      if (critic.hyperparameters !== undefined) hyperparameters[name] = critic.hyperparameters;
      if (name === OBJECTIVE) {
        dropped = critic.dropped.map(({ index, reason }) => ({
          similarity: pastOnes[index]?.similarity ?? 0,
          reason,
        }));
      }
      return critic;
    }
    const choose = name === OBJECTIVE && data.x.length >= CHOICE_FROM;
    const critic = (choose ? chooseCritic : fitGaussianProcess)(data, random, how);
    hyperparameters[name] = critic.hyperparameters;
    return critic;
  }

  const objective = fit(OBJECTIVE, objectiveData(space, trials, options.scale), OBJECTIVE_SPREAD);
  const critics = limits.map((limit) =>
    fit(limitCritic(limit), limitData(space, trials, limit), LIMIT_SPREAD),
  );

  // Asked for several times a configuration; each answer costs a solution per critic.
  const known = new Map<string, Outlook>();
  return {
    hyperparameters,
    dropped,
    noise: objective?.noise ?? 0,
    outlook(values) {
      const x = encode(space, values);
      const key = x.join();
      const former = known.get(key);
      if (former !== undefined) return former;
      const { mean, sd } = objective?.predict(x) ?? { mean: 0, sd: OBJECTIVE_SPREAD };
      let safe: number | undefined;
      const outlook: Outlook = {
        mean,
        sd,
        // Asked for only where the mean makes a configuration interesting.
        get safe() {
          safe ??= critics.reduce((p, critic) => p * holds(critic, x), 1);
          return safe;
        },
      };
      known.set(key, outlook);
      return outlook;
    },
  };
}

/** P(one evaluation stays below the limit): what counts is what will be measured, noise and all. */
function holds(critic: Critic | undefined, x: readonly number[]): number {
  if (critic === undefined) return UNKNOWN;
  const { mean, sd } = critic.predict(x);
  const spread = Math.hypot(sd, critic.noise);
  if (spread > 0) return normalCdf(-mean / spread);
  return mean <= 0 ? 1 : 0;
}

/** Expected improvement below `target` (Jones, Schonlau & Welch 1998), on the scale of comparison. */
export function expectedImprovement(
  { mean, sd }: { readonly mean: number; readonly sd: number },
  target: number,
): number {
  if (!(sd > 0)) return Math.max(0, target - mean);
  const z = (target - mean) / sd;
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return sd * (z * normalCdf(z) + density);
}
