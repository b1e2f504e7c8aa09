import { describe, expect, it } from 'vitest';
import type { ThresholdOutcome } from '../judge/judgement.ts';
import type { RunView } from '../runs/run.ts';
import { describeRun } from './report.ts';

const found: ThresholdOutcome = {
  threshold: 'p50 <= baseline + 10%',
  outcome: 'breached',
  unit: 'ratio',
  effect: 0.23,
  low: 0.21,
  high: 0.25,
  confidence: 0.99,
  limit: 0.1,
  sentence: 'p50 is 23 % slower.',
};

function runWith(evidence: readonly ThresholdOutcome[]): RunView {
  return {
    label: '1.2',
    build: 'b'.repeat(64),
    decision: 'rollback',
    cause: 'breached',
    summary: 'Breached.',
    evidence,
    shown: [],
    phases: [{ phase: 'measuring', seconds: 41.26 }],
  } as unknown as RunView;
}

describe('what is printed of a run', () => {
  it('has decision, cause, effect with interval, and seconds by phase', () => {
    expect(describeRun(runWith([found]))).toEqual([
      '1.2: rollback (breached). Breached.',
      '  breached     p50 <= baseline + 10%    +23.0 %  [+21.0 % … +25.0 %]',
      '  seconds: measuring 41.3',
    ]);
  });

  it('says in words what has no number, e.g. a quantile among failed requests', () => {
    const rest = { ...found, effect: undefined, low: undefined, high: undefined };
    const lines = describeRun(
      runWith([{ ...rest, sentence: 'it has no p99.' } as unknown as ThresholdOutcome]),
    );
    expect(lines[1]).toMatch(/^ {2}breached .* it has no p99\.$/);
    expect(lines.join('\n')).not.toContain('?');
  });
});
