/**
 * Early abort of an evaluation: a challenger whose requests fail in bursts is taken away in the
 * middle of its measurement.
 */
import type { ArmName, Sample } from '../load/sample.ts';
import { burstOf } from '../optimizer/error-burst.ts';

/** What fails on each side; fed window by window. */
export class ErrorBurst {
  readonly #arms: { readonly incumbent: ArmName; readonly challenger: ArmName };
  readonly #limit: number | undefined;
  readonly #tallies = new Map<ArmName, { hits: number; total: number }>();

  /** @param limit largest share of failures that the service allows, 0–1 */
  constructor(
    arms: { readonly incumbent: ArmName; readonly challenger: ArmName },
    limit: number | undefined,
  ) {
    this.#arms = arms;
    this.#limit = limit;
  }

  add(samples: readonly Sample[]): void {
    for (const { arm, status } of samples) {
      const tally = this.#tallies.get(arm) ?? { hits: 0, total: 0 };
      tally.total += 1;
      if (status !== 'ok') tally.hits += 1;
      this.#tallies.set(arm, tally);
    }
  }

  /** Why the evaluation must end now; undefined when it need not. */
  get reason(): string | undefined {
    return burstOf(this.#of(this.#arms.challenger), this.#of(this.#arms.incumbent), this.#limit);
  }

  #of(arm: ArmName): { readonly hits: number; readonly total: number } {
    return this.#tallies.get(arm) ?? { hits: 0, total: 0 };
  }
}
