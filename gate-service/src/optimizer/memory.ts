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
import { scaleOfTrials } from './measures.ts';
import { barrierOf } from './safety.ts';
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
/** Sessions and trials a session that are kept. */
export const KEPT_SESSIONS = 30;
export const KEPT_TRIALS = 120;
const LEAST_SIMILARITY = 0.05;
/** Fewer safe trials than this teach nothing of a landscape. */
const LEAST_TRIALS = 4;

export interface Recalled {
  readonly similarity: number;
  readonly session: PastSession;
}

export interface Memory {
  readonly sessions: readonly Recalled[];
  readonly critics: PastCritics;
  /** Good configurations of former sessions, most similar workload first. */
  readonly incumbents: readonly Values[];
  /** Of the same workload: as forbidden as if they had been measured now. */
  readonly barriers: readonly Barrier[];
  /** Of similar workloads, and how similar. */
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
  const sessions = (experience?.sessions ?? [])
    .map((session, index) => ({
      session: { ...session, trials: session.trials.filter(({ values }) => legal(values)) },
      similarity: similarityOf(context, session.context),
      index,
    }))
    .filter(({ similarity }) => similarity >= LEAST_SIMILARITY)
    // Among equals the latest, which knows what the earlier ones did.
    .sort((one, other) => other.similarity - one.similarity || other.index - one.index)
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

  const barriers: Barrier[] = [];
  const hints: { barrier: Barrier; weight: number }[] = [];
  for (const { session, similarity } of sessions) {
    const same = contextDistance(context, session.context) <= SAME;
    const safe = [
      session.start,
      ...session.trials.filter(({ unsafe }) => !unsafe).map(({ values }) => values),
    ];
    for (const violator of session.violators) {
      // Safe at first sight and not the next time: nothing is known to be safe about it.
      const others = safe.filter((values) => !sameEffect(space, values, violator));
      const barrier = barrierOf(space, others.length > 0 ? others : [session.start], violator);
      if (barrier === undefined) continue;
      if (same) barriers.push(barrier);
      hints.push({ barrier, weight: similarity });
    }
  }

  const incumbents: Values[] = [];
  for (const { session } of sessions) {
    const { adopted } = session;
    if (adopted === undefined || !legal(adopted)) continue;
    if (sameValues(space, adopted, problem.start)) continue;
    if (!incumbents.some((one) => sameValues(space, one, adopted))) incumbents.push(adopted);
  }
  const [nearest] = sessions;
  const policy =
    nearest !== undefined && nearest.similarity > 0.5 ? nearest.session.policy : undefined;
  return {
    sessions,
    critics,
    incumbents,
    barriers,
    hints,
    ...(policy === undefined || policy.updates === 0 ? {} : { policy }),
    sentences:
      sessions.length === 0
        ? []
        : [
            `${sessions.length} former sessions on similar workloads (similarity ` +
              `${sessions.map(({ similarity }) => similarity.toFixed(2)).join(', ')}), ` +
              `${incumbents.length} adopted configurations, ${hints.length} configurations that broke limits`,
          ],
  };
}

/** Former experience with one more session, the oldest forgotten. */
export function remember(
  space: string,
  former: Experience | undefined,
  session: PastSession,
): Experience {
  const bounded: PastSession = {
    ...session,
    trials: session.trials.slice(-KEPT_TRIALS),
    violators: session.violators.slice(-KEPT_TRIALS),
  };
  return {
    version: 1,
    space,
    sessions: [...(former?.sessions ?? []), bounded].slice(-KEPT_SESSIONS),
  };
}
