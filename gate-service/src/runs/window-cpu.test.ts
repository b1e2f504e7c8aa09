import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../node-agent/protocol.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';
import { cpuFromAgents, cpuFromMachine } from './cpu-source.ts';
import type { Machine } from './ports.ts';
import { WindowCpu } from './window-cpu.ts';

const at = (window: number, atMs: number, baseline: number, candidate: number) => ({
  window,
  atMs,
  counters: { baseline, candidate },
});

const windowsOf = (cpu: WindowCpu): number[] => [
  ...new Set(cpu.byWindow.map(({ window }) => window)),
];

describe('CPU seconds by window', () => {
  const start = (): WindowCpu => {
    const cpu = new WindowCpu(['baseline', 'candidate'], 2);
    cpu.add(at(-1, 0, 2, 2));
    return cpu;
  };

  it('are what was used between the ends of two windows, from the end of warm-up on', () => {
    const cpu = new WindowCpu(['baseline', 'candidate'], 2);
    cpu.add(at(-2, 0, 1, 1));
    cpu.add(at(-1, 900, 2, 2));
    cpu.add(at(0, 3000, 2.5, 2.75));
    cpu.add(at(1, 4900, 3, 3.5));
    expect(cpu.byWindow).toEqual([
      { window: 0, arm: 'baseline', seconds: 0.5 },
      { window: 0, arm: 'candidate', seconds: 0.75 },
      { window: 1, arm: 'baseline', seconds: 0.5 },
      { window: 1, arm: 'candidate', seconds: 0.75 },
    ]);
    expect(cpu.total).toEqual({ baseline: 1, candidate: 1.5 });
  });

  it('leave out windows whose readings came at another time, and go on with the next', () => {
    const cpu = start();
    // Its slowest request was waited for; the next report follows at once.
    cpu.add(at(0, 3500, 3, 3));
    cpu.add(at(1, 4000, 4, 4));
    cpu.add(at(2, 6000, 5, 5));
    expect(windowsOf(cpu)).toEqual([2]);
  });

  it('leave out the window after one whose reading is missing', () => {
    const cpu = start();
    cpu.add(at(0, 2000, 3, 3));
    cpu.add(at(2, 4000, 4, 4));
    expect(windowsOf(cpu)).toEqual([0]);
  });

  it('are not known where one arm is not, or a counter went backwards', () => {
    const cpu = start();
    cpu.add({ window: 0, atMs: 2000, counters: { baseline: 3 } });
    cpu.add(at(1, 4000, 4, 4));
    cpu.add(at(2, 6000, 5, 3));
    expect(cpu.byWindow).toEqual([]);
  });
});

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
  /** httpd and Jetty together; their agent does not answer when undefined. */
  readonly seconds?: number;
  readonly pid?: number;
}

const staging = (...seen: readonly Seen[]): readonly ArmObservation[] =>
  seen.map(({ arm, pid = 7, seconds }) => {
    const usage = { cpuSeconds: (seconds ?? 0) / 2, residentMiB: 1, restarts: 0 };
    const status = {
      httpd: { usage: { ...usage, pid } },
      jetty: { usage: { ...usage, pid: pid + 1 } },
    } as NodeStatus;
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
const before = staging({ arm: b, seconds: 1 }, { arm: c, seconds: 1, pid: 70 });

describe('CPU seconds from the agents', () => {
  const read = (now: readonly ArmObservation[], of = arms) =>
    cpuFromAgents(() => Promise.resolve(now), of, before).read();

  it('are those of all components of an arm', async () => {
    const now = staging({ arm: b, seconds: 3 }, { arm: c, seconds: 4, pid: 70 });
    expect(await read(now)).toEqual({ baseline: 3, candidate: 4 });
  });

  it.each([
    ['its agent does not answer', [{ arm: c }]],
    ['it is gone', []],
    ['a component was started again, though the counter rose', [{ arm: c, seconds: 9, pid: 71 }]],
  ])('are missing for an arm when %s', async (_, rest: readonly Seen[]) => {
    expect(await read(staging({ arm: b, seconds: 3 }, ...rest))).toEqual({ baseline: 3 });
  });

  it('are shared by two names for the same nodes, as the requests are', async () => {
    const same = [compared('baseline', c), compared('candidate', c)];
    const now = staging({ arm: c, seconds: 4, pid: 70 });
    expect(await read(now, same)).toEqual({ baseline: 2, candidate: 2 });
  });
});

describe('CPU seconds from the machine', () => {
  it('are asked for by the processes that the agents named', async () => {
    let groups: readonly (readonly number[])[] = [];
    const machine: Machine = {
      foreignCores: () => Promise.resolve(0),
      watchCpu: (given) => {
        groups = given;
        return { read: () => Promise.resolve([3, 4]), close: () => Promise.resolve() };
      },
    };
    const source = cpuFromMachine(machine, arms, before);
    expect(await source.read()).toEqual({ baseline: 3, candidate: 4 });
    expect(groups).toEqual([
      [7, 8],
      [70, 71],
    ]);
  });
});
