import { describe, expect, it } from 'vitest';
import type { RunRecord } from './records.ts';
import { runPhaseSchema } from './run.ts';
import type { RunPhase } from './run.ts';
import {
  canMove,
  finish,
  isMovable,
  IllegalTransitionError,
  startOver,
  toRestoring,
  transitions,
} from './transitions.ts';

const at = '2026-01-05T08:00:00.000Z';
const phases = runPhaseSchema.options;

function run(phase: RunPhase): RunRecord {
  return {
    id: 'r',
    phase,
    phases: [{ phase, startedAt: at }],
    settings: {},
  } as unknown as RunRecord;
}

describe('the transition table', () => {
  it('leads from every phase to finished, and from finished nowhere', () => {
    expect(transitions.finished).toEqual([]);
    for (const phase of phases.filter((own) => own !== 'finished')) {
      const reached = new Set<RunPhase>([phase]);
      for (const from of reached) for (const to of transitions[from]) reached.add(to);
      expect(reached.has('finished'), phase).toBe(true);
    }
  });

  it('has no way round: only startOver leads back', () => {
    const order = (phase: RunPhase): number => phases.indexOf(phase);
    for (const from of phases) {
      for (const to of transitions[from]) expect(order(to)).toBeGreaterThan(order(from));
    }
    expect(startOver(run('confirming'), at).phase).toBe('deploying');
    expect(() => startOver(run('promoting'), at)).toThrow(IllegalTransitionError);
  });

  it('takes every phase before the end to restoring', () => {
    for (const phase of phases) {
      if (isMovable(phase)) expect(toRestoring(run(phase), at).phase).toBe('restoring');
      else expect(() => toRestoring(run(phase), at)).toThrow(IllegalTransitionError);
    }
    expect(phases.filter((phase) => !isMovable(phase))).toEqual(['restoring', 'finished']);
  });
});

describe('the decision', () => {
  const answer = { decision: 'pass', cause: 'met', summary: 'fine.' } as const;

  it('is written only with the last transition, and closes all phases', () => {
    const update = finish(run('judging'), answer, at);
    expect(update).toMatchObject({ phase: 'finished', decision: 'pass', finishedAt: at });
    expect(update.phases?.every(({ endedAt }) => endedAt !== undefined)).toBe(true);
    for (const phase of phases.filter((own) => !canMove(own, 'finished'))) {
      expect(() => finish(run(phase), answer, at), phase).toThrow(IllegalTransitionError);
    }
  });

  it('is written once', () => {
    expect(() => finish({ ...run('judging'), decision: 'rollback' }, answer, at)).toThrow(
      'already',
    );
  });

  it.each([
    { decision: 'rollback', cause: 'met' },
    { decision: 'pass', cause: 'inconclusive' },
    { decision: 'promote', cause: 'promotion-breached' },
  ] as const)('does not contradict its cause: $decision $cause', (odd) => {
    expect(() => finish(run('judging'), { ...answer, ...odd }, at)).toThrow('contradicts');
  });
});
