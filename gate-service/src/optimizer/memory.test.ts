import { describe, expect, it } from 'vitest';
import {
  contextDistance,
  KEPT_SESSIONS,
  KEPT_TRIALS,
  recall,
  remember,
  similarityOf,
} from './memory.ts';
import { initialPolicy } from './actor.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';
import type { Experience, PastSession } from './tuner.ts';

const violator = { workers: 500, share: 0.3, balancer: 'round' };
const session: PastSession = {
  context: PROBLEM.context,
  start: PROBLEM.start,
  trials: [{ values: PROBLEM.start, value: 100, unsafe: false }],
  policy: initialPolicy(SPACE, PROBLEM.start),
  violators: [violator],
};
const experience = (...sessions: PastSession[]): Experience => ({
  version: 1,
  space: '',
  sessions,
});

describe('similarity of workloads', () => {
  it('falls with the distance, for logarithms, shares and raw rates', () => {
    expect(similarityOf({ rate: 7 }, { rate: 7 })).toBe(1);
    expect(similarityOf({ rate: 1000 }, { rate: 1200 })).toBeGreaterThan(0.5);
    expect(similarityOf({ rate: 1000 }, { rate: 5000 })).toBeLessThan(0.1);
    expect(similarityOf({ mix: 0.1 }, { mix: 0.9 })).toBeLessThan(0.5);
    expect(contextDistance({ rate: 1 }, {})).toBe(1);
  });
});

describe('recalling', () => {
  it('forbids what broke limits on the same workload, and only warns on a similar one', () => {
    expect(recall(PROBLEM, experience(session), 1).barriers).toHaveLength(1);
    const similar = recall(PROBLEM, experience({ ...session, context: { rate: 7.4 } }), 1);
    expect(similar.barriers).toHaveLength(0);
    expect(similar.hints).toHaveLength(1);
    expect(similar.hints[0]!.weight).toBeLessThan(1);
    const other = { ...session, context: { other: 1, rate: 1 } };
    expect(recall(PROBLEM, experience(other), 1).sessions).toEqual([]);
  });

  it('forbids what was safe at first sight and broke a limit afterwards', () => {
    const trials = [...session.trials, { values: violator, value: 50, unsafe: false }];
    const [barrier] = recall(PROBLEM, experience({ ...session, trials }), 1).barriers;
    expect(barrier).toEqual({ safe: PROBLEM.start, violator });
  });

  it('leaves out configurations that are illegal here', () => {
    const illegal = { ...session, adopted: { ...violator, workers: 5000 } };
    expect(recall(PROBLEM, experience(illegal), 1).incumbents).toEqual([]);
    expect(recall(PROBLEM, experience({ ...session, adopted: violator }), 1).incumbents).toEqual([
      violator,
    ]);
  });
});

describe('remembering', () => {
  it('is bounded, and forgets the oldest first', () => {
    const long = { ...session, trials: Array(500).fill(session.trials[0]!), context: { rate: 99 } };
    let kept = experience();
    for (let i = 0; i < 40; i += 1)
      kept = remember('s', kept, { ...session, context: { rate: i } });
    kept = remember('s', kept, long);
    expect(kept.sessions).toHaveLength(KEPT_SESSIONS);
    expect(kept.sessions.at(-1)!.trials).toHaveLength(KEPT_TRIALS);
    expect(kept.sessions[0]!.context.rate).toBe(41 - KEPT_SESSIONS);
  });
});
