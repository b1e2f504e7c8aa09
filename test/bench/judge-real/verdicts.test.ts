import { describe, expect, it } from 'vitest';
import { parseThreshold } from '../../../gate-service/src/judge/threshold.ts';
import type { Measurement, Sample } from '../../../gate-service/src/load/sample.ts';
import { createRandom } from '../../../gate-service/src/statistics/random.ts';
import { gateVerdict, peers, peerVerdicts, scaleMargin } from './verdicts.ts';

const thresholds = ['p50 <= baseline + 5%', 'p95 <= baseline + 5%', 'errors < 1%'].map(
  parseThreshold,
);
const PAIRS = 100;
const WINDOWS = 12;

interface Shape {
  /** Factor on the candidate's latency in a window; `draw` is the pair's place among all, 0–1. */
  readonly candidate?: (window: number, draw: number) => number;
  /** Factor on both arms' latency in a window. */
  readonly both?: (window: number) => number;
  readonly status?: (sample: Pick<Sample, 'arm'>) => string;
}

/** Pairs with the same draw for both arms, as the sample application has them, and a planted block of three windows. */
function measurement({
  both = () => 1,
  candidate = () => 1,
  status = () => 'ok',
}: Shape = {}): Measurement {
  const random = createRandom(7, 'verdicts');
  const samples: Sample[] = [];
  for (let window = -2; window < WINDOWS + 3; window += 1) {
    const planted = window >= WINDOWS;
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const draw = random.next();
      const base = 40_000 + 8_000 * draw;
      for (const arm of ['baseline', planted ? 'planted' : 'candidate'] as const) {
        const noise = 1 + 0.02 * random.next();
        const factor = arm === 'candidate' ? candidate(window, draw) : 1;
        samples.push({
          arm,
          launch: `${arm}-1`,
          window,
          kind: 'search',
          intendedUs: (window + 2) * 2_000_000 + pair * 20_000 + (samples.length % 7),
          latencyUs: base * noise * factor * both(window) + (arm === 'planted' ? 10_000 : 0),
          status: status({ arm }),
        });
      }
    }
  }
  const sent = samples.length;
  return {
    windowsPlanned: WINDOWS,
    samples,
    fitness: Array.from({ length: WINDOWS + 5 }, (_, index) => ({
      window: index - 2,
      latenessP99Us: 500,
      runQueueShare: 0.01,
      foreignCores: 0.05,
      sent: 2 * PAIRS,
      received: 2 * PAIRS,
    })),
    counters: { sent, received: sent, inFlight: 0, cpuSeconds: 1 },
    steady: true,
    ended: 'planned',
    plantedDelayUs: 10_000,
  };
}

const gate = (shape: Shape): ReturnType<typeof gateVerdict> =>
  gateVerdict(measurement(shape), thresholds, { seed: 1, requirePlanted: true });
const all = (verdict: string): Record<string, string> =>
  Object.fromEntries(peers.map((peer) => [peer, verdict]));

describe('verdicts on one measurement', () => {
  it('agree on the same build on a quiet machine', () => {
    expect(gate({})).toMatchObject({ verdict: 'pass', windows: 6 });
    expect(peerVerdicts(measurement(), thresholds)).toEqual(all('pass'));
  });

  it('agree on a build that is clearly slower', () => {
    const slower = { candidate: () => 1.3 };
    expect(gate(slower).verdict).toBe('breached');
    expect(peerVerdicts(measurement(slower), thresholds)).toEqual(all('breached'));
  });

  it('agree on a build that is slower in the tail alone: one breach is enough', () => {
    const tail = { candidate: (_: number, draw: number) => (draw > 0.8 ? 1.3 : 1) };
    expect(gate(tail).verdict).toBe('breached');
    expect(peerVerdicts(measurement(tail), thresholds)).toEqual(all('breached'));
  });

  it('differ where the machine got slower meanwhile: A then B blames the build', () => {
    const drift = { both: (window: number) => 1 + 0.05 * Math.max(0, window) };
    expect(gate(drift).verdict).toBe('pass');
    expect(peerVerdicts(measurement(drift), thresholds)).toEqual({
      'point threshold, A then B': 'breached',
      'point threshold, interleaved': 'pass',
      'Kayenta, A then B': 'breached',
      'Kayenta, interleaved': 'pass',
    });
  });

  it('differ where the machine got faster meanwhile: A then B misses a slower build', () => {
    const drift = { candidate: () => 1.3, both: (window: number) => 1.6 - 0.06 * window };
    expect(gate(drift).verdict).toBe('breached');
    const verdicts = peerVerdicts(measurement(drift), thresholds);
    expect(verdicts['point threshold, A then B']).toBe('pass');
    expect(verdicts['point threshold, interleaved']).toBe('breached');
  });

  it('take neither warm-up nor the planted block for the measurement', () => {
    const outside = (window: number): number => (window < 0 || window >= WINDOWS ? 50 : 1);
    expect(peerVerdicts(measurement({ candidate: outside }), thresholds)).toEqual(all('pass'));
    // Only the baseline has answers in the planted block: were it faster there, the candidate would look slow.
    const quickBlock = (window: number): number => (window >= WINDOWS ? 0.01 : 1);
    const tight = [parseThreshold('p50 <= baseline + 1%')];
    expect(peerVerdicts(measurement({ both: quickBlock }), tight)).toMatchObject({
      'point threshold, interleaved': 'pass',
      'Kayenta, interleaved': 'pass',
    });
  });

  it('have the peers decline an arm without answers', () => {
    const failing = measurement({ status: ({ arm }) => (arm === 'candidate' ? '500' : 'ok') });
    expect(() => peerVerdicts(failing, thresholds)).toThrow(RangeError);
  });
});

describe('scaleMargin', () => {
  it.each([
    ['p50 <= baseline + 10%', 'p50 <= baseline + 5%'],
    ['p99.9 <= baseline + 15 %', 'p99.9 <= baseline + 7.5%'],
    ['errors < 1%', 'errors < 1%'],
    ['p95 < 200ms', 'p95 < 200ms'],
    ['p50 <= baseline + 3ms', 'p50 <= baseline + 3ms'],
  ])('%s', (text, expected) => {
    expect(scaleMargin(text, 0.5)).toBe(expected);
  });
});
