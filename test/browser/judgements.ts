/** Judgements as the judge words them, for runs that were never measured. */
import type {
  ControlOutcome,
  Judgement,
  ThresholdOutcome,
} from '../../gate-service/src/judge/judgement.ts';
import type { Cause } from '../../gate-service/src/runs/run.ts';

/** @param effect of p95, as a ratio */
export function judgementOf(cause: Cause, effect: number, summary: string): Judgement {
  const judged =
    cause === 'breached' || cause === 'inconclusive' || cause === 'invalid' ? cause : 'met';
  const outcome = judged === 'invalid' ? 'met' : judged;
  return {
    decision: judged === 'met' ? 'pass' : 'rollback',
    cause: judged,
    outcomes: [
      relative('p50 <= baseline + 10%', 'met', effect / 3, 0.1, 0.011),
      relative(
        'p95 <= baseline + 15%',
        outcome,
        effect,
        0.15,
        outcome === 'inconclusive' ? 0.077 : 0.033,
      ),
      {
        threshold: 'errors < 1%',
        outcome: 'met',
        unit: 'share',
        effect: 0.0004,
        low: 0.0001,
        high: 0.0011,
        confidence: 0.95,
        limit: 0.01,
        baseline: 0.0003,
        candidate: 0.0004,
        valueUnit: 'share',
        sentence: '5 of 12,400 requests failed in the candidate, 4 in the baseline.',
      },
    ],
    shown: [relative('p99 <= baseline + 20%', 'inconclusive', effect * 1.1, 0.2, 0.21)],
    controls: controls(judged !== 'invalid'),
    windows: { planned: 24, counted: 24, dropped: 1 },
    summary,
    procedure: 'browser-test',
  };
}

function relative(
  threshold: string,
  outcome: ThresholdOutcome['outcome'],
  effect: number,
  limit: number,
  half: number,
): ThresholdOutcome {
  const base = threshold.startsWith('p50') ? 21.3 : threshold.startsWith('p95') ? 48.2 : 88;
  return {
    threshold,
    outcome,
    unit: 'ratio',
    effect,
    low: effect - half,
    high: effect + half,
    confidence: 0.95,
    limit,
    minimumDetectableEffect: half * 1.4,
    baseline: base,
    candidate: base * (1 + effect),
    valueUnit: 'ms',
    sentence: `${threshold.slice(0, 3)} is ${Math.abs(effect * 100).toFixed(1)} % ${effect < 0 ? 'faster' : 'slower'} than the baseline.`,
  };
}

function controls(planted: boolean): readonly ControlOutcome[] {
  return [
    {
      control: 'same-build',
      passed: true,
      effect: 0.002,
      sentence: 'The baseline agrees with itself within 0.9 %: less than the smallest margin.',
    },
    {
      control: 'nodes',
      passed: true,
      sentence: 'The two nodes of each arm agree within 1.3 %.',
    },
    {
      control: 'planted',
      passed: planted,
      sentence: planted
        ? 'A delay of 4.3 ms, put in by the proxy, was found as 4.4 ms.'
        : 'A delay of 4.3 ms, put in by the proxy, was not found.',
    },
    {
      control: 'sender',
      passed: true,
      sentence: 'The sender left 99 % of its requests less than 1.2 ms late.',
    },
    { control: 'counts', passed: true, sentence: 'The proxy counted what the sender sent.' },
    { control: 'steady', passed: true, sentence: 'Both arms were warm and kept up.' },
  ];
}
