/**
 * What former sessions give to a new one: critics weighted by how well they order what is measured
 * now, configurations that were shown to be good, violators, and the policy.
 */
import { createRandom } from '../statistics/random.ts';
import type { CriticData } from './critics/critic.ts';
import { fitGaussianProcess } from './critics/gaussian-process.ts';
import type { PastCritic } from './critics/transfer.ts';
import { sameEffect, sameValues } from './encoding.ts';
import { limitCritic, limitData, OBJECTIVE, objectiveData } from './landscape.ts';
import type { PastCritics } from './landscape.ts';
import { holdsLimits, scaleOfTrials, whyUnsafe } from './measures.ts';
import { barrierOf, hasPlace } from './safety.ts';
import type { Barrier } from './safety.ts';
import type { Values } from './space/bound-space.ts';
import type { Experience, PastSession, PolicyState, TuningProblem } from './tuner.ts';

type Context = Readonly<Record<string, number>>;

/** Distance of workloads at which experience counts e^(−1/2). */
const WIDTH = 0.5;
/** Up to this distance a workload is the same one, and what broke limits there is forbidden here. */
const SAME = 0.02;
/** Sessions that are looked at, the most similar ones. */
const MOST_SESSIONS = 6;
/** Violators that warn or forbid, the most similar workloads' and among these the newest. */
const MOST_VIOLATORS = 120;
const LEAST_SIMILARITY = 0.05;
/** Alike enough that what was learnt there is taken over: the policy, and that the large gains are known. */
const ALIKE = 0.5;
/** Fewer safe trials than this teach nothing of a landscape. */
const LEAST_TRIALS = 4;

export interface Recalled {
  readonly similarity: number;
  readonly session: PastSession;
}

export interface Memory {
  readonly sessions: readonly Recalled[];
  readonly critics: PastCritics;
  /** Whether a former session on a workload like this one adopted something, in force by now or not, however long ago. */
  readonly gainsKnown: boolean;
  /** Good configurations of former sessions, most similar workload first. */
  readonly incumbents: readonly Values[];
  /** Of the same workload: as forbidden as if they had been measured now. */
  readonly barriers: readonly Barrier[];
  /** Of similar workloads that are not the same, and how similar. */
  readonly hints: readonly { readonly barrier: Barrier; readonly weight: number }[];
  readonly policy?: PolicyState;
  /** What was recalled, in words. */
  readonly sentences: readonly string[];
}

/**
 * How far apart two workloads are: per feature the smaller of difference and twice the relative
 * difference, so that logarithms, shares and raw rates all make sense; a feature that only one of
 * them has counts 1.
 */
export function contextDistance(one: Context, other: Context): number {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  let squares = 0;
  for (const name of names) {
    const [a, b] = [one[name], other[name]];
    if (a === undefined || b === undefined) {
      squares += 1;
      continue;
    }
    const apart = Math.abs(a - b);
    const size = Math.max(Math.abs(a), Math.abs(b));
    squares += apart === 0 ? 0 : Math.min(apart, (2 * apart) / size) ** 2;
  }
  return Math.sqrt(squares);
}

/** 0–1. */
export function similarityOf(one: Context, other: Context): number {
  return Math.exp(-((contextDistance(one, other) / WIDTH) ** 2) / 2);
}

/** What is left of a memory whose critics find nothing safe enough: what is forbidden stays so. */
export function onlyBarriers(memory: Memory): Memory {
  return { ...memory, critics: {}, incumbents: [], hints: [] };
}

export function recall(
  problem: TuningProblem,
  experience: Experience | undefined,
  seed: number,
): Memory {
  const { space, context } = problem;
  const legal = (values: Values): boolean => space.check(values).ok;
  const similar = (experience?.sessions ?? [])
    .map((session, index) => ({
      session: { ...session, trials: session.trials.filter(({ values }) => legal(values)) },
      similarity: similarityOf(context, session.context),
      index,
    }))
    .filter(({ similarity }) => similarity >= LEAST_SIMILARITY)
    // Among equals the latest, which knows what the earlier ones did.
    .sort((one, other) => other.similarity - one.similarity || other.index - one.index);
  const sessions = similar
    .filter(({ session }) => session.remnant !== true)
    .slice(0, MOST_SESSIONS);

  const useful = sessions.filter(
    ({ session }) => session.trials.filter(({ unsafe }) => !unsafe).length >= LEAST_TRIALS,
  );
  const fitted = (
    name: string,
    dataOf: (session: PastSession) => CriticData,
  ): readonly PastCritic[] =>
    useful.flatMap(({ session, similarity, index }) => {
      const data = dataOf(session);
      if (data.x.length < LEAST_TRIALS) return [];
      const random = createRandom(seed, `past ${name} ${index}`);
      return [{ critic: fitGaussianProcess(data, random, { restarts: 0 }), similarity }];
    });
  const critics: Record<string, readonly PastCritic[]> = {
    [OBJECTIVE]: fitted(OBJECTIVE, ({ trials }) =>
      objectiveData(space, trials, scaleOfTrials(trials)),
    ),
  };
  for (const limit of problem.limits) {
    critics[limitCritic(limit)] = fitted(limitCritic(limit), ({ trials }) =>
      limitData(space, trials, limit),
    );
  }

  // Of all sessions, not only of those whose critics are used: a violator is not out of date.
  const { barriers, hints } = violatorsOf(problem, similar);

  const incumbents: Values[] = [];
  for (const { session } of sessions) {
    const { adopted } = session;
    if (adopted === undefined || !legal(adopted)) continue;
    if (sameValues(space, adopted, problem.start)) continue;
    if (breaksHere(problem, session, adopted)) continue;
    if (!incumbents.some((one) => sameValues(space, one, adopted))) incumbents.push(adopted);
  }
  const [nearest] = sessions;
  const policy =
    nearest !== undefined && nearest.similarity > ALIKE ? nearest.session.policy : undefined;
  return {
    sessions,
    critics,
    gainsKnown: similar.some(
      ({ session, similarity }) => similarity > ALIKE && session.adopted !== undefined,
    ),
    incumbents,
    barriers,
    hints,
    ...(policy === undefined || policy.updates === 0 ? {} : { policy }),
    sentences: wordsOf(sessions, incumbents.length, barriers.length + hints.length),
  };
}

function wordsOf(sessions: readonly Recalled[], adopted: number, violators: number): string[] {
  const broke = `${violators} configurations that broke limits`;
  if (sessions.length === 0) {
    return violators === 0 ? [] : [`${broke} on this workload or similar ones, long ago`];
  }
  const similarities = sessions.map(({ similarity }) => similarity.toFixed(2)).join(', ');
  return [
    `${sessions.length} former sessions on similar workloads (similarity ${similarities}), ` +
      `${adopted} adopted configurations, ${broke}`,
  ];
}

/** What broke limits on similar workloads, each configuration once: by its most similar and newest session. */
function violatorsOf(
  problem: TuningProblem,
  similar: readonly Recalled[],
): Pick<Memory, 'barriers' | 'hints'> {
  const { space, context, start } = problem;
  const isSame = ({ session }: Recalled): boolean => isSameContext(context, session.context);
  const safeThere = ({ session }: Recalled): Values[] => safeOf(problem, session);
  const safeHere = similar.filter(isSame).flatMap(safeThere);
  const barriers: Barrier[] = [];
  const hints: { barrier: Barrier; weight: number }[] = [];
  for (const recalled of similar) {
    const same = isSame(recalled);
    const safe = same ? safeHere : safeThere(recalled);
    for (const violator of violatorsIn(problem, recalled.session)) {
      const known = [...barriers, ...hints.map(({ barrier }) => barrier)];
      if (known.length >= MOST_VIOLATORS) return { barriers, hints };
      // What is in force is measured first in any case, and judged by that.
      if (sameEffect(space, violator, start)) continue;
      if (known.some((barrier) => sameEffect(space, barrier.violator, violator))) continue;
      // Safe at first sight and not the next time: nothing is known to be safe about it.
      const others = safe.filter((values) => !sameEffect(space, values, violator));
      const barrier = barrierOf(space, others, violator) ?? { safe: violator, violator };
      if (same) barriers.push(barrier);
      else hints.push({ barrier, weight: recalled.similarity });
    }
  }
  return { barriers, hints };
}

/** Newest first: those that are remembered, and what breaks the limits of now. */
function violatorsIn(problem: TuningProblem, session: PastSession): Values[] {
  const broken = session.trials
    .filter((trial) => whyUnsafe(problem.limits, trial) !== undefined)
    .map(({ values }) => values);
  return [...session.violators, ...broken]
    .filter((values) => hasPlace(problem.space, values))
    .toReversed();
}

/** What was seen to hold the limits of now; the start, unless it broke some. */
function safeOf(problem: TuningProblem, session: PastSession): Values[] {
  const { space, limits } = problem;
  const violators = violatorsIn(problem, session);
  return [
    session.start,
    ...session.trials.filter((trial) => holdsLimits(limits, trial)).map(({ values }) => values),
  ].filter((values) => !violators.some((violator) => sameEffect(space, violator, values)));
}

/** Whether a configuration broke in a former session what are the limits of now. */
function breaksHere({ space, limits }: TuningProblem, session: PastSession, values: Values) {
  return session.trials.some(
    (trial) => sameEffect(space, trial.values, values) && whyUnsafe(limits, trial) !== undefined,
  );
}

/** Whether two workloads are the same one: what broke limits on one is forbidden on the other. */
export function isSameContext(one: Context, other: Context): boolean {
  return contextDistance(one, other) <= SAME;
}
