/** The judge as runs use it: thresholds as text, options as they are stored. */
import { unfitReason } from '../../judge/fitness.ts';
import { judge } from '../../judge/judge.ts';
import type { Judgement } from '../../judge/judgement.ts';
import { lookSchedule, shouldStop } from '../../judge/looks.ts';
import { compareThresholds, formatThreshold, parseThreshold } from '../../judge/threshold.ts';
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
    return {
      absolute: threshold.against === 'absolute',
      capacity: threshold.metric.name === 'capacity',
      ...(threshold.kind === undefined ? {} : { kind: threshold.kind }),
      text: formatThreshold(threshold),
    };
  },
  isLooser(threshold, than) {
    return compareThresholds(parseThreshold(threshold), parseThreshold(than)) === 'looser';
  },
};
