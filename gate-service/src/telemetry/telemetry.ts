/** Port to what the world says about itself. Missing data is `undefined` and never counts as good. */

/**
 * Cumulative latency histogram over a time span: requests at or below each bound, rising, the last
 * bound infinite; empty before the first request. The proxy may hand its latencies over up to a
 * second after it counted the requests, so the histogram's own last count is its total.
 */
export interface LatencyHistogram {
  readonly bounds: readonly { readonly leMs: number; readonly count: number }[];
}

/** One arm's production traffic over the same span as the others'. Counts, so that they can be tested exactly. */
export interface ArmTraffic {
  readonly armId: string;
  readonly requests: number;
  /** Answers >= 500 and resets, as the proxy counted them. */
  readonly failures: number;
  readonly latency: LatencyHistogram;
}

export interface Telemetry {
  /**
   * How long after a change of weights the metrics may still be incomplete, in milliseconds: a scrape on its way, and
   * latencies that the proxy has not handed over yet. Three seconds where it is absent.
   */
  readonly settleMs?: number;
  /**
   * Traffic of each arm between two instants (milliseconds since the epoch), from the proxy's metrics.
   * An arm without series, or a scrape that is missing or older than `maxAgeMs`, gives `undefined` for that arm.
   * @throws Error that says why nothing can be known of any arm; an adapter may give `undefined` for all instead
   */
  armTraffic(
    service: string,
    armIds: readonly string[],
    span: { readonly fromMs: number; readonly toMs: number },
  ): Promise<ReadonlyMap<string, ArmTraffic | undefined>>;
}
