import { describe, expect, it } from 'vitest';
import { contextDistance, recall, similarityOf } from './memory.ts';
import { initialPolicy } from './actor.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';
import type { Experience, PastSession } from './tuner.ts';

const violator = { workers: 500, share: 0.3, balancer: 'round' };
const session: PastSession = {
  context: PROBLEM.context,
  start: PROBLEM.start,
  trials: [{ values: PROBLEM.start, value: 100, metrics: { errors: 0 }, unsafe: false }],
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

  it('knows the violators of every session, however many came since', () => {
    const later = Array.from({ length: 12 }, () => ({ ...session, violators: [] }));
    const { barriers, hints, sessions } = recall(PROBLEM, experience(session, ...later), 1);
    expect(sessions).toHaveLength(6);
    expect(barriers).toEqual([{ safe: PROBLEM.start, violator }]);
    expect(hints).toEqual([]);
  });

  it('knows each violator once, as entered from the nearest that was safe on this workload', () => {
    const near = { ...violator, workers: 400 };
    const trials = [{ values: near, value: 90, metrics: { errors: 0 }, unsafe: false }];
    const { barriers } = recall(PROBLEM, experience(session, { ...session, trials }), 1);
    expect(barriers).toEqual([{ safe: near, violator }]);
  });

  it('forbids what would break the limits of now, and takes nothing for safe without its metric', () => {
    const values = { ...violator, workers: 60 };
    const measured = { values, value: 90, metrics: { errors: 0.02 }, unsafe: false };
    const former = { ...session, violators: [], trials: [measured], adopted: values };
    const stricter = recall(PROBLEM, experience(former), 1);
    expect(stricter.barriers).toEqual([{ safe: PROBLEM.start, violator: values }]);
    expect(stricter.incumbents).toEqual([]);
    const looser = { ...PROBLEM, limits: [{ metric: 'errors', max: 0.03 }] };
    expect(recall(looser, experience(former), 1).barriers).toEqual([]);
    expect(recall(looser, experience(former), 1).incumbents).toEqual([values]);
    const unjudged = {
      ...session,
      trials: [{ values: { ...violator, workers: 450 }, unsafe: false }],
    };
    expect(recall(PROBLEM, experience(unjudged), 1).barriers[0]?.safe).toEqual(PROBLEM.start);
  });

  it('does not forbid what is in force, nor draw a barrier from a start that broke a limit', () => {
    const broken = { ...session, violators: [PROBLEM.start, violator], trials: [] };
    expect(recall(PROBLEM, experience(broken), 1).barriers).toEqual([{ safe: violator, violator }]);
  });

  it('knows that something was gained here, however many sessions came since, and not elsewhere', () => {
    const gained = { ...session, adopted: PROBLEM.start };
    const later = Array.from({ length: 12 }, () => session);
    expect(recall(PROBLEM, experience(...later), 1).gainsKnown).toBe(false);
    expect(recall(PROBLEM, experience(gained, ...later), 1).gainsKnown).toBe(true);
    const elsewhere = { ...gained, context: { rate: 1.8 * PROBLEM.context.rate! } };
    const recalled = recall(PROBLEM, experience(elsewhere), 1);
    expect(recalled.sessions).toHaveLength(1);
    expect(recalled.gainsKnown).toBe(false);
  });

  it('takes no remnant for a session', () => {
    const { barriers, sessions } = recall(PROBLEM, experience({ ...session, remnant: true }), 1);
    expect(barriers).toHaveLength(1);
    expect(sessions).toEqual([]);
  });
});
