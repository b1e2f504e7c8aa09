/** What a session remembers between asks besides its steps; plain JSON, part of the snapshot. */
import { initialPolicy } from './actor.ts';
import type { Hyperparameters } from './critics/hyperparameters.ts';
import { limitScore } from './measures.ts';
import type { Memory } from './memory.ts';
import type { Lane } from './racing.ts';
import type { Barrier } from './safety.ts';
import type { Values } from './space/bound-space.ts';
import type { Limit, PolicyState, TuningProblem } from './tuner.ts';

/** A challenger measured in turns with the incumbent. */
export interface Race {
  readonly challenger: Values;
  readonly incumbent: Values;
  /** How many laps it takes; odd, decided before the first one. */
  readonly planned: number;
  readonly laps: readonly RaceLap[];
}

export interface RaceLap {
  readonly lane: Lane;
  /** Absent where an evaluation of the configuration in force was unsafe and brought none. */
  readonly value?: number;
  /** Of the configuration in force: it broke a limit. Such a lap of a challenger ends the race. */
  readonly broken?: boolean;
}

/** Small steps there and back along a few knobs at a time, before the critics know anything. */
export interface Screening {
  /** Ways of each group of knobs, on their unit intervals. */
  readonly groups: readonly Readonly<Record<string, number>>[];
  /** The group that is next or open. */
  readonly at: number;
  /** Set between a step and its way back: where it started. */
  readonly from?: Values;
  /** A design around this place: each group is one step from here, without a way back. */
  readonly around?: Values;
}

/** Set by an unsafe evaluation: the next one stays nearer to what is safe. */
export interface Retreat {
  readonly radius: number;
  /** Sum of the ways from the nearest safe configuration to the violator. */
  readonly distance: number;
}

export interface TunerState {
  /** Adopted configurations, the one in force last; the first is the start. */
  readonly incumbents: readonly Values[];
  readonly barriers: readonly Barrier[];
  /** Step cap per knob on its unit interval. */
  readonly radius: number;
  /** Challengers in a row that did not move the leader. */
  readonly failures: number;
  /** Challengers since the last adoption, or since the critics last saw a better leader. */
  readonly sinceProgress: number;
  /** Safe, measured and best by the critics: where the search goes on. Not adopted yet. */
  readonly leader: Values;
  /** Leaders that were progress when they came, to tell it from going back and forth. */
  readonly milestones: readonly Values[];
  /** Ways that led from one leader to the next, latest last. */
  readonly trends: readonly Readonly<Record<string, number>>[];
  readonly screening?: Screening;
  readonly race?: Race;
  /** Decided ones. */
  readonly races: readonly Race[];
  readonly retreat?: Retreat;
  /** Asks in a row at which nothing within reach promised more than the noise. */
  readonly quiet: number;
  readonly policy: PolicyState;
  readonly hyperparameters: Readonly<Record<string, Hyperparameters>>;
  /** Number of evaluations at which hyper-parameters were fitted last. */
  readonly fittedAt: number;
  readonly ended?: string;
}

/** Step caps: of the first step, where former sessions know the place, the least and the largest. */
export const RADIUS = { first: 0.25, warm: 0.12, least: 0.1, most: 0.35 } as const;

/** Scores (logarithm of metric ÷ limit) at which first steps begin to be longer, and are longest. */
const ROOM = { some: Math.log(1 / 2), ample: Math.log(1 / 3) } as const;

/**
 * Step cap of the first step: the usual one where a metric is above half of its limit, the largest
 * one where all are at a third or less. Where nothing is known of a limit there is no room.
 */
export function firstRadius(
  limits: readonly Limit[],
  metrics: Readonly<Record<string, number>> = {},
  usual: number,
): number {
  const scores = limits.map((limit) => {
    const metric = metrics[limit.metric];
    return metric === undefined ? 0 : limitScore(limit, metric);
  });
  if (scores.length === 0) return usual;
  const room = (ROOM.some - Math.max(...scores)) / (ROOM.some - ROOM.ample);
  return usual + (RADIUS.most - usual) * Math.min(1, Math.max(0, room));
}

export function initialState(problem: TuningProblem, memory: Memory): TunerState {
  const { space, start, prior } = problem;
  return {
    incumbents: [start],
    barriers: memory.barriers,
    radius: memory.incumbents.length > 0 ? RADIUS.warm : RADIUS.first,
    failures: 0,
    sinceProgress: 0,
    leader: start,
    milestones: [start],
    trends: [],
    races: [],
    quiet: 0,
    policy: memory.policy ?? initialPolicy(space, start, prior),
    hyperparameters: {},
    fittedAt: 0,
  };
}

export function incumbentOf({ incumbents }: TunerState): Values {
  return incumbents.at(-1) ?? {};
}

export function withoutRace(state: TunerState): Omit<TunerState, 'race'> {
  const rest: { race?: Race } & TunerState = { ...state };
  delete rest.race;
  return rest;
}

export function withoutRetreat(state: TunerState): Omit<TunerState, 'retreat'> {
  const rest: { retreat?: Retreat } & TunerState = { ...state };
  delete rest.retreat;
  return rest;
}
