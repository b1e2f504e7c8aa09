/** How long a run measures. Numbers follow facts/measuring.md: request-interleaved pairs, 24 windows, nine looks. */
import type { Profile } from '../settings/catalogue.ts';

export interface MeasuringProfile {
  readonly windows: number;
  readonly windowSeconds: number;
  readonly warmup: {
    readonly minSeconds: number;
    readonly maxSeconds: number;
    readonly minRequests: number;
  };
  /** The positive control: its length, and the delay where no threshold has a margin to take it from. */
  readonly planted: { readonly windows: number; readonly delayMs: number };
  /** Closed loop, when a threshold asks for it: blocks for each arm, and whole seconds of each. */
  readonly capacity: { readonly couples: number; readonly blockSeconds: number };
  /** One challenger against the incumbent configuration. */
  readonly tuning: { readonly windows: number; readonly warmupSeconds: number };
  /**
   * Before an `invalid` attempt is repeated: the machine is to be quiet for `seconds` in a row;
   * after `maxSeconds` it is repeated all the same.
   */
  readonly quiet: { readonly seconds: number; readonly maxSeconds: number };
  /** Cap on the whole run from its first deployment on, without the one repeat. */
  readonly capSeconds: number;
  /** How often progress is said. */
  readonly progressSeconds: number;
}

/**
 * `standard`: about 60 s of measuring at most, 10 s of control, so that a push takes about two
 * minutes without tuning and about four with it. `quick` (20 s) is for tests and trials: it sees
 * only larger effects and says so through its minimum detectable effect.
 */
export const profiles: Readonly<Record<Profile, MeasuringProfile>> = {
  standard: {
    windows: 24,
    windowSeconds: 2.5,
    warmup: { minSeconds: 8, maxSeconds: 30, minRequests: 500 },
    planted: { windows: 4, delayMs: 10 },
    capacity: { couples: 8, blockSeconds: 5 },
    tuning: { windows: 8, warmupSeconds: 8 },
    quiet: { seconds: 60, maxSeconds: 180 },
    capSeconds: 12 * 60,
    progressSeconds: 15,
  },
  quick: {
    windows: 10,
    windowSeconds: 2,
    warmup: { minSeconds: 4, maxSeconds: 12, minRequests: 200 },
    planted: { windows: 3, delayMs: 10 },
    capacity: { couples: 6, blockSeconds: 2 },
    tuning: { windows: 6, warmupSeconds: 4 },
    quiet: { seconds: 4, maxSeconds: 20 },
    capSeconds: 6 * 60,
    progressSeconds: 5,
  },
};
