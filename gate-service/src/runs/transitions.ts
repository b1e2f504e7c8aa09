/**
 * The phases a run may go through. A move that is not in the table does not compile, and does not
 * happen: the runtime check guards what comes from the store.
 */
import { withProvisos } from './provisos.ts';
import type { Cause, Decision, RunPhase } from './run.ts';
import type { PhaseSpan, RunRecord, RunUpdate } from './records.ts';

export const transitions = {
  queued: ['deploying', 'restoring'],
  deploying: ['measuring', 'restoring'],
  measuring: ['tuning', 'judging', 'restoring'],
  tuning: ['confirming', 'judging', 'restoring'],
  confirming: ['judging', 'restoring'],
  judging: ['promoting', 'restoring', 'finished'],
  promoting: ['restoring', 'finished'],
  restoring: ['finished'],
  finished: [],
} as const satisfies Record<RunPhase, readonly RunPhase[]>;

export type NextPhase<P extends RunPhase> = (typeof transitions)[P][number];

/** Phases from which an interrupted run may start again with fresh arms: nothing of them is needed later. */
export const resumable = ['deploying', 'measuring', 'tuning', 'confirming'] as const;

export class IllegalTransitionError extends Error {
  constructor(runId: string, from: RunPhase, to: RunPhase) {
    super(`run ${runId} cannot go from ${from} to ${to}`);
    this.name = 'IllegalTransitionError';
  }
}

/** Which start of the run is its last, from 1: one that a restart interrupted starts over. */
export function lastStartOf({ phases }: RunRecord): number {
  return phases.filter(({ phase }) => phase === 'deploying').length;
}

export function canMove(from: RunPhase, to: RunPhase): boolean {
  return (transitions[from] as readonly RunPhase[]).includes(to);
}

/** Phases that end a run need what {@link finish} asks for. */
type MovablePhase = Exclude<RunPhase, 'finished'>;

/**
 * The update that moves a run on.
 * @param at ISO 8601
 * @throws IllegalTransitionError
 */
export function move<P extends MovablePhase>(
  run: RunRecord,
  from: P,
  to: Exclude<NextPhase<P>, 'finished'>,
  at: string,
): RunUpdate {
  if (run.phase !== from || !canMove(from, to)) {
    throw new IllegalTransitionError(run.id, run.phase, to);
  }
  return { phase: to, phases: nextSpans(run.phases, to, at) };
}

/** Phases from which a run can still be taken to `restoring`. */
export function isMovable(phase: RunPhase): boolean {
  return canMove(phase, 'restoring');
}

/**
 * The update that takes a run to its cleaning up, from wherever it is.
 * @throws IllegalTransitionError
 */
export function toRestoring(run: RunRecord, at: string): RunUpdate {
  if (!canMove(run.phase, 'restoring')) {
    throw new IllegalTransitionError(run.id, run.phase, 'restoring');
  }
  return { phase: 'restoring', phases: nextSpans(run.phases, 'restoring', at) };
}

/**
 * The update that starts an interrupted run over with fresh arms.
 * @throws IllegalTransitionError unless the run is in a {@link resumable} phase
 */
export function startOver(run: RunRecord, at: string): RunUpdate {
  if (!isResumable(run.phase)) throw new IllegalTransitionError(run.id, run.phase, 'deploying');
  return { phase: 'deploying', phases: nextSpans(run.phases, 'deploying', at) };
}

export function isResumable(phase: RunPhase): boolean {
  return (resumable as readonly RunPhase[]).includes(phase);
}

export interface Answer {
  readonly decision: Decision;
  readonly cause: Cause;
  readonly summary: string;
}

/**
 * The one update that writes the decision, together with the last transition.
 * @throws IllegalTransitionError; Error when decision and cause contradict each other or one stands already
 */
export function finish(run: RunRecord, answer: Answer, at: string): RunUpdate {
  if (!canMove(run.phase, 'finished'))
    throw new IllegalTransitionError(run.id, run.phase, 'finished');
  if (run.decision !== undefined) throw new Error(`run ${run.id} has its decision already`);
  if ((answer.cause === 'met') !== (answer.decision !== 'rollback')) {
    throw new Error(
      `a decision ${answer.decision} with the cause ${answer.cause} contradicts itself (run ${run.id})`,
    );
  }
  return {
    phase: 'finished',
    phases: nextSpans(run.phases, 'finished', at),
    decision: answer.decision,
    cause: answer.cause,
    summary: withProvisos(run, answer.summary),
    finishedAt: at,
  };
}

function nextSpans(spans: readonly PhaseSpan[], to: RunPhase, at: string): readonly PhaseSpan[] {
  const closed = spans.map((span) =>
    span.endedAt === undefined ? { ...span, endedAt: at } : span,
  );
  return [
    ...closed,
    to === 'finished' ? { phase: to, startedAt: at, endedAt: at } : { phase: to, startedAt: at },
  ];
}
