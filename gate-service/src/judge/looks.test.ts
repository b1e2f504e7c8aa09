import { describe, expect, it } from 'vitest';
import type { Judgement, ThresholdOutcome } from './judgement.ts';
import { lookSchedule, nextLook, shouldStop } from './looks.ts';

const met: ThresholdOutcome = {
  threshold: 'p50 <= baseline + 10%',
  outcome: 'met',
  unit: 'ratio',
  confidence: 0.95,
  limit: 0.1,
  sentence: '',
};

const judgement = (
  outcomes: readonly ThresholdOutcome[],
  windows: { counted: number; dropped: number },
): Judgement => ({
  decision: 'pass',
  cause: 'met',
  outcomes,
  shown: [],
  controls: [],
  windows: { planned: 24, ...windows },
  summary: '',
  procedure: '',
});

describe('looks', () => {
  it('come one after the other until the end', () => {
    expect(nextLook(8, 24)).toBe(lookSchedule(24)[1]);
    expect(nextLook(24, 24)).toBeUndefined();
  });
});

describe('an interim look', () => {
  it('ends the measurement when all is met or a breach is proven', () => {
    expect(shouldStop(judgement([met], { counted: 12, dropped: 0 }))).toBe(true);
    const breached: ThresholdOutcome = { ...met, outcome: 'breached' };
    expect(shouldStop(judgement([met, breached], { counted: 12, dropped: 0 }))).toBe(true);
  });

  it('goes on while something is open, and when there is nothing to judge', () => {
    const open: ThresholdOutcome = { ...met, outcome: 'inconclusive' };
    expect(shouldStop(judgement([met, open], { counted: 12, dropped: 0 }))).toBe(false);
    expect(shouldStop(judgement([], { counted: 12, dropped: 0 }))).toBe(false);
  });

  it('goes on while too many windows were spoilt: ending now would make it invalid', () => {
    expect(shouldStop(judgement([met], { counted: 7, dropped: 3 }))).toBe(true);
    expect(shouldStop(judgement([met], { counted: 9, dropped: 7 }))).toBe(false);
  });
});
