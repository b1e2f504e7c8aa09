import { describe, expect, it } from 'vitest';
import { rowsOf, type JudgedPush } from './rows.ts';
import { peers, type Peer, type Verdict } from './verdicts.ts';

const push = (
  build: JudgedPush['build'],
  verdict: Verdict,
  changes: Partial<JudgedPush> = {},
): JudgedPush => ({
  build,
  verdict,
  seconds: 12,
  because: [],
  effects: {},
  peers: Object.fromEntries(peers.map((peer) => [peer, 'pass'])) as Record<Peer, Verdict>,
  ...changes,
});

describe('rows of judge-real', () => {
  it('count verdicts with exact intervals', () => {
    const rows = rowsOf(
      Array.from({ length: 60 }, () => push('same', 'pass')),
      24,
    );
    expect(rows).toHaveLength(1 + peers.length);
    const [gate] = rows;
    // Clopper–Pearson for 0 of 60, two-sided 95 %: 1 − 0.025^(1/60).
    expect(gate!.breached).toMatchObject({ count: 0, share: 0, low: 0 });
    expect(gate!.breached.high).toBeCloseTo(1 - 0.025 ** (1 / 60), 6);
    expect(gate!.pass).toMatchObject({ count: 60, share: 1, high: 1 });
    expect(gate!.meanSeconds).toBe(12);
    expect(rows.at(-1)).toMatchObject({ gate: peers.at(-1), meanSeconds: 24 });
  });

  it('keep the builds apart and take peers only where they were asked', () => {
    const { peers: asked, ...unasked } = push('slow', 'invalid', { because: ['sender', 'nodes'] });
    expect(asked).toBeDefined();
    const rows = rowsOf(
      [
        push('same', 'pass', { effects: { p50: 0.02 } }),
        push('same', 'breached', { effects: { p50: -0.01, p95: 0.3 } }),
        unasked,
        push('slow', 'breached'),
        push('slow', 'invalid', { because: ['sender'] }),
      ],
      24,
    );
    const same = rows.find((row) => row.build === 'same' && row.gate === 'speed-gate')!;
    expect(same).toMatchObject({ pushes: 2, meanEffects: { p50: 0.005, p95: 0.3 } });
    const slow = rows.filter((row) => row.build === 'slow');
    expect(slow[0]).toMatchObject({
      pushes: 3,
      breached: { count: 1 },
      invalid: { count: 2 },
      invalidBecause: { sender: 2, nodes: 1 },
    });
    expect(slow[1]).toMatchObject({ pushes: 2, pass: { count: 2 } });
  });

  it('have none for a build that was not pushed', () => {
    expect(rowsOf([push('slow', 'breached')], 24).map(({ build }) => build)).not.toContain('same');
  });
});
