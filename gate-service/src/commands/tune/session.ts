/** The session that a call of `speed-gate tune` holds: a new one, or the one that was broken off. */
import {
  createTuner,
  LEAST_BUDGET,
  resumeTuner,
  type Experience,
  type Tuner,
} from '../../optimizer/tuner.ts';
import type { TuningTask } from './knobs-file.ts';
import type { Memory } from './memory.ts';
import type { OpenSession } from './memory-content.ts';

export interface SessionOptions {
  readonly budget: number;
  readonly seed: number;
  /** Begin a new session, even where one was broken off. */
  readonly fresh: boolean;
}

export interface Session {
  readonly tuner: Tuner;
  /** Where it stands and what it builds on, for a person. */
  readonly sentence: string;
  /** Keeps the session so that it can go on from here. */
  readonly keep: () => void;
  /** Keeps what it has taught; there is nothing to go on with any more. */
  readonly finish: () => void;
}

/**
 * Goes on with the memory's open session when it has the same task, budget and seed. Otherwise that
 * one is over: what it has measured is experience of the new one.
 * @param memory absent: nothing is kept
 * @throws Error when the open session cannot be gone on with
 */
export function openSession(
  task: TuningTask,
  options: SessionOptions,
  memory: Memory | undefined,
): Session {
  const { tuner, sentence } = tunerOf(task, options, memory);
  const { budget, seed } = options;
  return {
    tuner,
    sentence,
    keep: () => {
      const session = { problem: task.identity, budget, seed, snapshot: tuner.snapshot() };
      memory?.save({ experience: taughtBy(tuner), session });
    },
    finish: () => {
      memory?.save({ experience: taughtBy(tuner) });
    },
  };
}

/** A session without an evaluation taught nothing; it must not push others out of the memory. */
function taughtBy(tuner: Tuner): Experience {
  const { steps, options } = tuner.snapshot();
  const experience = tuner.experience();
  return steps.length > 0 ? experience : (options.experience ?? { ...experience, sessions: [] });
}

function tunerOf(
  { problem, identity }: TuningTask,
  { budget, seed, fresh }: SessionOptions,
  memory: Memory | undefined,
): Pick<Session, 'tuner' | 'sentence'> {
  const { session, experience } = memory?.content ?? {};
  const same = session?.problem === identity && session.budget === budget && session.seed === seed;
  if (session !== undefined && same && !fresh) return resumed(problem, session);
  const tuner = createTuner(problem, {
    budget,
    seed,
    ...(experience === undefined ? {} : { experience }),
  });
  const few = budget < LEAST_BUDGET ? ` (to adopt anything takes at least ${LEAST_BUDGET})` : '';
  return {
    tuner,
    sentence: `${former(session)}${budget} evaluations${few}, ${knowing(experience)}`,
  };
}

function resumed(
  problem: TuningTask['problem'],
  { snapshot, budget }: OpenSession,
): Pick<Session, 'tuner' | 'sentence'> {
  const done = snapshot.steps.length;
  try {
    return {
      tuner: resumeTuner(problem, snapshot),
      sentence: `goes on with the session that was broken off after ${done} of ${budget} evaluations`,
    };
  } catch (error) {
    throw new Error(
      `the session that was broken off after ${done} of ${budget} evaluations cannot go on: ` +
        `${error instanceof Error ? error.message : String(error)}; begin a new one with --fresh, which keeps what was measured`,
      { cause: error },
    );
  }
}

function former(session: OpenSession | undefined): string {
  return session === undefined
    ? ''
    : `the session that was broken off after ${session.snapshot.steps.length} of ${session.budget} evaluations (seed ${session.seed}) is over, what it measured is kept as experience; `;
}

function knowing(experience: Experience | undefined): string {
  const count = experience?.sessions.filter(({ remnant }) => remnant !== true).length ?? 0;
  return count === 0 ? 'no experience' : `experience of ${count} sessions`;
}
