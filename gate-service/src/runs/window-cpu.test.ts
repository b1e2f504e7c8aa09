import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../node-agent/protocol.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';
import { cpuSeconds, WindowCpu } from './window-cpu.ts';

const armOf = (id: string): Arm => ({
  id,
  service: 'checkout',
  environment: 'staging',
  role: 'baseline',
  buildDigest: 'b'.repeat(64),
  configurationHash: 'c'.repeat(64),
  nodes: [{ name: `${id}-1`, address: '127.0.0.1', port: 9000 }],
});
const compared = (name: ComparedArm['name'], arm: Arm): ComparedArm => ({
  name,
  arm,
  build: arm.buildDigest,
  configurationHash: arm.configurationHash,
});
const b = armOf('b');
const c = armOf('c');
const arms = [compared('baseline', b), compared('candidate', c)];

interface Seen {
  readonly arm: Arm;
  /** httpd and Jetty together. */
  readonly seconds?: number;
  readonly pid?: number;
}

const staging = (...seen: readonly Seen[]): readonly ArmObservation[] =>
  seen.map(({ arm, pid = 7, seconds }) => {
    const usage = { pid, cpuSeconds: (seconds ?? 0) / 2, residentMiB: 1, restarts: 0 };
    const status = { httpd: { usage }, jetty: { usage } } as NodeStatus;
    return {
      arm,
      weight: 0,
      nodes: arm.nodes.map(({ name }) => ({
        name,
        ...(seconds === undefined ? {} : { status }),
        healthyInProxy: true,
        requestsTotal: 0,
      })),
    };
  });

const at = (window: number, atMs: number, b0: number, c0: number, pid = 7) => ({
  window,
  atMs,
  staging: staging({ arm: b, seconds: b0, pid }, { arm: c, seconds: c0, pid }),
});

describe('CPU seconds by window', () => {
  it('are what was used between the ends of two windows, from the end of warm-up on', () => {
    const cpu = new WindowCpu(arms, 2);
    cpu.add(at(-2, 0, 1, 1));
    cpu.add(at(-1, 900, 2, 2));
    cpu.add(at(0, 3000, 2.5, 2.6));
    cpu.add(at(1, 4900, 3, 3.2));
    expect(cpu.byWindow.map(({ window, arm }) => `${window} ${arm}`)).toEqual([
      '0 baseline',
      '0 candidate',
      '1 baseline',
      '1 candidate',
    ]);
    const seconds = cpu.byWindow.map((one) => one.seconds);
    for (const [index, expected] of [0.5, 0.6, 0.5, 0.6].entries()) {
      expect(seconds[index]).toBeCloseTo(expected, 9);
    }
    expect(cpu.total?.candidate).toBeCloseTo(1.2, 9);
  });

  it('leave out windows whose readings came at another time, and go on with the next', () => {
    const cpu = new WindowCpu(arms, 2);
    cpu.add(at(-1, 0, 1, 1));
    // Its slowest request was waited for; the next report follows at once.
    cpu.add(at(0, 3500, 2, 2));
    cpu.add(at(1, 4000, 3, 3));
    cpu.add(at(2, 6000, 4, 4));
    expect(new Set(cpu.byWindow.map(({ window }) => window))).toEqual(new Set([2]));
  });

  it('leave out the window after one whose reading is missing', () => {
    const cpu = new WindowCpu(arms, 2);
    cpu.add(at(-1, 0, 1, 1));
    cpu.add(at(0, 2000, 2, 2));
    cpu.add(at(2, 4000, 3, 3));
    expect(new Set(cpu.byWindow.map(({ window }) => window))).toEqual(new Set([0]));
  });

  it('are not known where a component was started again, though its counter rose', () => {
    const cpu = new WindowCpu(arms, 2);
    cpu.add(at(-1, 0, 1, 1));
    cpu.add(at(0, 2000, 2, 2, 8));
    expect(cpu.byWindow).toEqual([]);
  });
});

describe('CPU seconds between two observations', () => {
  const both = (seconds: number): readonly ArmObservation[] =>
    staging({ arm: b, seconds }, { arm: c, seconds });

  it.each([
    ['an agent does not answer', staging({ arm: b, seconds: 2 }, { arm: c })],
    ['an arm is gone', staging({ arm: b, seconds: 2 })],
    ['a counter went backwards', both(0.5)],
    ['nothing was observed', undefined],
  ])('are not known when %s', (_, to) => {
    expect(cpuSeconds(arms, both(1), to)).toBeUndefined();
  });

  it('are shared by two names for the same nodes, as the requests are', () => {
    const same = [compared('baseline', c), compared('candidate', c)];
    expect(cpuSeconds(same, both(1), both(3))).toEqual({ baseline: 1, candidate: 1 });
  });
});
