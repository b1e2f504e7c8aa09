/** What the load's process says of each request, and what it is told. */

/**
 * How the request went out: `fresh` on a connection of its own, `reused` on a kept one that had
 * carried requests before, `opened` as the first on one that is then kept, `unsent` not at all.
 */
export type Connection = 'fresh' | 'reused' | 'opened' | 'unsent';

/** Times are microseconds of the machine's monotonic clock, the same in all processes. */
export interface Exchange {
  readonly intendedUs: number;
  /** When the load's process came to it; later than intended by that process's own lag. */
  readonly dispatchedUs: number;
  /** Body read to its end, or failed. */
  readonly endedUs: number;
  readonly method: 'GET' | 'POST';
  /** Whether it was meant for a connection of its own. */
  readonly fresh: boolean;
  readonly connection: Connection;
  /** The wait that the application put in on purpose, milliseconds; 0 for a failed one. */
  readonly plannedWaitMs: number;
  /** Why it failed; absent for a right answer. */
  readonly failure?: string;
}

export interface LoadPlan {
  readonly port: number;
  /** Host header. */
  readonly authority: string;
  readonly perSecond: number;
  /** Of the arrivals. */
  readonly seed: number;
  readonly timeoutMs: number;
}

export type LoadMessage =
  | { readonly type: 'exchanges'; readonly exchanges: readonly Exchange[] }
  | { readonly type: 'end' };
