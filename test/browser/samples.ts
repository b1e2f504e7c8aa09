/** A small measurement: 24 windows of both arms, the candidate a little slower, with a warm-up before them. */
import type { Measurement, Sample } from '../../gate-service/src/load/sample.ts';

const WINDOWS = 24;
const PAIRS = 60;

export function measuredSamples(): Measurement {
  const samples: Sample[] = [];
  for (let window = -2; window < WINDOWS; window += 1) {
    for (let pair = 0; pair < PAIRS; pair += 1) {
      for (const arm of ['baseline', 'candidate'] as const) {
        const share = ((pair * 37 + window * 11 + 600) % PAIRS) / PAIRS;
        const slow = arm === 'candidate' ? 1.03 : 1;
        samples.push({
          arm,
          launch: `${arm}-${pair % 2}`,
          window,
          kind: 'search',
          intendedUs: Math.max(0, window + 2) * 2_500_000 + pair * 40_000,
          latencyUs: Math.round((15_000 + 60_000 * share ** 4) * slow),
          status: 'ok',
        });
      }
    }
  }
  const sent = samples.length;
  return {
    windowsPlanned: WINDOWS,
    samples,
    fitness: Array.from({ length: WINDOWS }, (_, window) => ({
      window,
      latenessP99Us: 900,
      runQueueShare: 0.01,
      foreignCores: 0.1,
      sent: 2 * PAIRS,
      received: 2 * PAIRS,
    })),
    counters: { sent, received: sent, inFlight: 0, cpuSeconds: 2 },
    steady: true,
    ended: 'planned',
  };
}
