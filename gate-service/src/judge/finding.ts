/** What is found about one threshold before thresholds are weighed against each other. */
import type { EffectUnit, ThresholdOutcome } from './judgement.ts';
import type { LookLevels } from './looks.ts';
import type { ComparedWindow } from './windows.ts';
import { amountInBaseUnit, type Threshold } from './threshold.ts';

/** What every finding is made from. */
export interface Evidence {
  /** Windows that count at this look. */
  readonly windows: readonly ComparedWindow[];
  readonly levels: LookLevels;
  /** One-sided error of each reported bound. */
  readonly reportLevel: number;
  /** False when there is nothing to compare with: only absolute limits are judged. */
  readonly hasReference: boolean;
}

export interface Finding {
  readonly threshold: Threshold;
  readonly unit: EffectUnit;
  readonly limit: number;
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
  readonly minimumDetectableEffect?: number;
  readonly baseline?: number;
  readonly candidate?: number;
  readonly valueUnit?: NonNullable<ThresholdOutcome['valueUnit']>;
  readonly kinds?: readonly string[];
  /** The bound on the good side of the limit is proven. */
  readonly holds: boolean;
  /** One-sided p of the breach test; 1 where a breach would not be relevant or cannot be tested. */
  readonly breachP: number;
  /** Absolute limits: p of "within the limit" where the baseline is beyond it too. */
  readonly bothP?: number;
  /** Why nothing can be said: the outcome is `invalid`. */
  readonly invalid?: string;
  /** Added to the sentence. */
  readonly note?: string;
}

/** A finding that says only why there is none. */
export function invalidFinding(threshold: Threshold, reason: string): Finding {
  return { ...frame(threshold), holds: false, breachP: 1, invalid: reason };
}

/** Unit and limit as outcomes give them. */
export function frame(threshold: Threshold): Pick<Finding, 'threshold' | 'unit' | 'limit'> {
  return { threshold, unit: effectUnit(threshold), limit: amountInBaseUnit(threshold) };
}

function effectUnit({ metric, against, unit }: Threshold): EffectUnit {
  switch (metric.name) {
    case 'errors':
      return 'share';
    case 'throughput':
      return against === 'baseline' ? 'ratio' : 'share';
    case 'latency':
    case 'cpu_per_request':
    case 'capacity':
      return unit === '%' || unit === '/s' ? 'ratio' : 'ms';
  }
}
