import type { PromotionStep } from '../api/types.ts';
import { signOf } from '../text/words.ts';
import { Mark } from './sign.tsx';

const WEIGHTS = [1, 5, 25, 50, 100];

interface Properties {
  readonly steps: readonly PromotionStep[];
  /** The weight that is in force and watched now. */
  readonly now?: number | undefined;
  readonly running: boolean;
}

/** Weights of a promotion: the share of production on the new nodes, and what each step showed. */
export function Weights({ now, running, steps }: Properties) {
  const weights = running
    ? [...new Set([...WEIGHTS, ...steps.map(({ weight }) => weight)])].sort((a, b) => a - b)
    : steps.map(({ weight }) => weight);
  return (
    <ol class="weights">
      {weights.map((weight) => {
        const step = steps.find((one) => one.weight === weight);
        return (
          <li key={weight}>
            <span class="number">{weight} %</span>
            <svg class="weight-bar" aria-hidden="true" height="10">
              <rect class="whole" width="100%" height="10" />
              {(step !== undefined || weight === now) && (
                <rect class={step?.outcome ?? 'now'} width={`${weight}%`} height="10" />
              )}
            </svg>
            <span>
              {step !== undefined && (
                <>
                  <Mark sign={signOf(step.outcome)} /> <span class="quiet">{step.sentence}</span>
                </>
              )}
              {step === undefined &&
                (weight === now ? 'watched now' : <i class="quiet">to come</i>)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
