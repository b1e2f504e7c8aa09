/** The judge as runs use it: thresholds as text, options as they are stored. */
import { unfitReason } from '../../judge/fitness.ts';
import { judge } from '../../judge/judge.ts';
import type { Judgement } from '../../judge/judgement.ts';
import { lookSchedule, shouldStop } from '../../judge/looks.ts';
import {
  amountInBaseUnit,
  compareThresholds,
  formatThreshold,
  parseThreshold,
  type Threshold,
} from '../../judge/threshold.ts';
import type { LatencyMargin } from '../planted-delay.ts';
import type { JudgeOptions, RunJudge } from '../ports.ts';

export const runJudge: RunJudge = {
  judge(measurement, rules, options: JudgeOptions): Judgement {
    return judge(measurement, rules.thresholds.map(parseThreshold), {
      seed: options.seed,
      look: options.look,
      shown: rules.shown.map(parseThreshold),
      requirePlanted: options.requirePlanted,
      // An interim look has no counters yet: they come with the sender's end.
      requireSender: options.requireSender,
      baseline: options.baseline,
      ...(options.steady === undefined ? {} : { steady: options.steady }),
      ...(options.arms === undefined ? {} : { arms: options.arms }),
    });
  },
  counts: (fitness) => unfitReason(fitness) === undefined,
  looks: lookSchedule,
  settles: shouldStop,
  checkThreshold(text) {
    const threshold = parseThreshold(text);
    const latencyMargin = marginOf(threshold);
    return {
      absolute: threshold.against === 'absolute',
      capacity: threshold.metric.name === 'capacity',
      ...(threshold.kind === undefined ? {} : { kind: threshold.kind }),
      ...(latencyMargin === undefined ? {} : { latencyMargin }),
      text: formatThreshold(threshold),
    };
  },
  isLooser(threshold, than) {
    return compareThresholds(parseThreshold(threshold), parseThreshold(than)) === 'looser';
  },
};

function marginOf(threshold: Threshold): LatencyMargin | undefined {
  const { against, kind, metric, unit } = threshold;
  if (metric.name !== 'latency' || against !== 'baseline') return undefined;
  const amount = amountInBaseUnit(threshold);
  return {
    percent: metric.percent,
    ...(kind === undefined ? {} : { kind }),
    allowed: unit === '%' ? { share: amount } : { ms: amount },
  };
}
