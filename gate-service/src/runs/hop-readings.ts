/** Observes staging at the beginning and the end of what is measured, and tells each arm's latency by hop. */
import type { ArmName, Sample } from '../load/sample.ts';
import type { ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';
import { hopLatency, type HopLatency } from './hop-latency.ts';

type Observations = readonly ArmObservation[];
export type HopsByArm = Readonly<Partial<Record<ArmName, HopLatency>>>;

/** The first reading is made when this window has been reported, so what is told begins after it. */
const FIRST_WINDOW = 0;

export class HopReadings {
  readonly #observe: () => Promise<Observations>;
  #first: Observations | undefined;
  #last: Observations | undefined;

  constructor(observe: () => Promise<Observations>) {
    this.#observe = observe;
  }

  /** To be called when a window was reported. A reading that fails loses the hops, not the measurement. */
  async after(window: number): Promise<void> {
    if (window !== FIRST_WINDOW) return;
    this.#first = await this.#observe().catch(() => undefined);
  }

  /** To be called before anything is sent that is not measured; without, what `of` is given counts. */
  async end(): Promise<void> {
    this.#last ??= await this.#observe().catch(() => undefined);
  }

  /**
   * Of the arms that it can be told for.
   * @param samples of the measured windows
   * @param last staging when nothing was sent any more
   */
  of(arms: readonly ComparedArm[], samples: readonly Sample[], last: Observations): HopsByArm {
    const observed = (all: Observations | undefined, armId: string) =>
      all?.find(({ arm }) => arm.id === armId);
    return Object.fromEntries(
      arms.flatMap(({ arm, name }) => {
        const own = samples.filter((one) => one.arm === name && one.window > FIRST_WINDOW);
        const sumUs = own.reduce((sum, { latencyUs }) => sum + latencyUs, 0);
        const hops = hopLatency(
          sumUs / own.length / 1000,
          observed(this.#first, arm.id),
          observed(this.#last ?? last, arm.id),
        );
        return hops === undefined ? [] : [[name, hops] as const];
      }),
    );
  }
}
