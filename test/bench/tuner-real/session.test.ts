import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../gate-service/src/statistics/random.ts';
import type { NodeStatus } from '../../../gate-service/src/node-agent/protocol.ts';
import type { StackConfiguration } from '../../../gate-service/src/stack/configuration.ts';
import { placesOf } from '../../../gate-service/src/stack/headroom.ts';
import { stockConfiguration } from '../../../gate-service/src/stack/stock.ts';
import type { LoadNode } from './load.ts';
import type { BenchNode, NodeBed } from './nodes.ts';
import { affordable, tuneOnNodes, type SessionPlan } from './session.ts';
import type { LoadWindow } from './window.ts';
import { WORKLOADS } from './workloads.ts';

const resources = { cores: 2, memoryMiB: 2300, fileDescriptors: 20_000 };
const stock = stockConfiguration(resources);

/** Nodes by the formula of headroom.md: right answers per second are places ÷ time that a place is held. */
function simulated(answers: (configuration: StackConfiguration) => Partial<LoadWindow>) {
  const nodes: BenchNode[] = [];
  const applied: [node: number, hash: string][] = [];
  const random = createRandom(7, 'noise');
  let removed = 0;
  const bed: NodeBed = {
    start: (first) => {
      const number = nodes.length;
      let configuration = first;
      const node: BenchNode = {
        get configuration() {
          return configuration;
        },
        port: number,
        apply: (to) => {
          applied.push([number, to.hash]);
          configuration = to;
          return Promise.resolve(['live'] as const);
        },
        status: () => Promise.resolve({} as NodeStatus),
        remove: () => {
          removed += 1;
          return Promise.resolve();
        },
      };
      nodes.push(node);
      return Promise.resolve(node);
    },
    pids: () => Promise.resolve([]),
  };
  const load: LoadNode = (_workload, { port, windows }) =>
    Promise.resolve(
      Array.from({ length: windows }, () => {
        const noise = 1 + 0.1 * (random.next() - 0.5);
        const window = { failedShare: 0, p50Ms: 300, p95Ms: 900, p99Ms: 1200 };
        const shown = { ...window, ...answers(nodes[port]!.configuration) };
        return { ...shown, completedPerSecond: noise * (shown.completedPerSecond ?? 1500) };
      }),
    );
  return { bed, load, applied, nodes, removed: () => removed };
}

function planOf(
  { bed, load }: Pick<SessionPlan, 'bed' | 'load'>,
  over: Partial<SessionPlan> = {},
): SessionPlan {
  return {
    bed,
    load,
    resources,
    workload: WORKLOADS[0]!,
    budget: 4,
    seconds: 3600,
    seed: 1,
    recall: () => undefined,
    say: () => undefined,
    signal: new AbortController().signal,
    ...over,
  };
}

/** The closed loop of 512 connections that wait 100 ms. */
const moreWithPlaces = (configuration: StackConfiguration): Partial<LoadWindow> => ({
  completedPerSecond: 10 * Math.min(512, placesOf(configuration)),
});

describe('a session on nodes', { timeout: 60_000 }, () => {
  it('adopts what serves more at the same time, and leaves the node alone that runs it', async () => {
    const world = simulated(moreWithPlaces);
    const { adopted, best, points, unsafe } = await tuneOnNodes(planOf(world));
    expect(adopted).toBe(true);
    expect(placesOf(best)).toBeGreaterThanOrEqual(512);
    expect(unsafe).toBe(0);
    expect(points[0]).toMatchObject({ source: 'start', verdict: 'started' });
    expect(points.filter(({ verdict }) => verdict === 'adopted')).toHaveLength(1);
    // The start is not applied anywhere, so that evaluation 2 is the first change.
    const at = points.findIndex(({ verdict }) => verdict === 'adopted');
    const node = world.applied[at - 1]?.[0];
    expect(world.applied.slice(at).map(([one]) => one)).not.toContain(node);
    expect(world.removed()).toBe(2);
  });

  it('claims nothing where nothing is to be won', async () => {
    const world = simulated(() => ({ p50Ms: 2 }));
    const result = await tuneOnNodes(planOf(world, { workload: WORKLOADS[2]! }));
    expect(result.adopted).toBe(false);
    expect(result.best.hash).toBe(stock.hash);
    expect(result.points.length).toBeGreaterThan(2);
  });

  it('breaks off when errors burst, counts that as unsafe, and keeps stock', async () => {
    const world = simulated((configuration) => ({
      failedShare: placesOf(configuration) > 150 ? 0.5 : 0,
      completedPerSecond: 10 * placesOf(configuration),
    }));
    const result = await tuneOnNodes(planOf(world));
    expect(result.unsafe).toBeGreaterThan(0);
    expect(result.points.find(({ verdict }) => verdict === 'unsafe')?.sentence).toContain(
      '50 % of the requests of a window failed',
    );
    expect(placesOf(result.best)).toBeLessThanOrEqual(150);
  });

  it('forgives errors that are there with stock already', async () => {
    const world = simulated((configuration) => ({
      ...moreWithPlaces(configuration),
      failedShare: placesOf(configuration) > 150 ? 0 : 0.35,
    }));
    const { adopted, points } = await tuneOnNodes(planOf(world, { budget: 2 }));
    expect(points[0]?.verdict).toBe('started');
    expect(adopted).toBe(true);
  });

  it('needs less with what a former session left', async () => {
    const first = await tuneOnNodes(planOf(simulated(moreWithPlaces)));
    const budget = Math.floor(first.points.length / 2);
    const again = await tuneOnNodes(
      planOf(simulated(moreWithPlaces), { budget, recall: () => first.experience }),
    );
    expect(again.points.length).toBeLessThanOrEqual(first.points.length / 2);
    expect(placesOf(again.best)).toBeGreaterThanOrEqual(512);
  });
});

describe('evaluations that fit into the time', () => {
  it('are bounded by budget and time, the start being free', () => {
    expect(affordable(12, 10_000, 60)).toBe(12);
    expect(affordable(12, 300, 60)).toBe(6);
    expect(affordable(12, 0, 60)).toBe(2);
  });
});
