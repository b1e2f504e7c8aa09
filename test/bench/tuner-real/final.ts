/** Stock, hand-tuned and found, each on a fresh node, loaded in turns: the numbers that are reported. */
import type { StackConfiguration } from '../../../gate-service/src/stack/configuration.ts';
import { warmUp, windowsOf, type Bench } from './measuring.ts';
import type { BenchNode } from './nodes.ts';
import { roundsOf } from './turns.ts';
import { costOf, readingOf, typical, type LoadWindow } from './window.ts';
import { objectiveOf } from './workloads.ts';

const ROUNDS = 5;
const WINDOW_SECONDS = 4;

/**
 * Median of each configuration's windows, as people read it. Fresh nodes also for what was found: it must
 * hold on another launch than the one it was chosen on. Equal configurations under two names get two
 * nodes, which shows what launches differ by.
 */
export async function compareFresh<Name extends string>(
  bench: Bench,
  configurations: Readonly<Record<Name, StackConfiguration>>,
): Promise<Record<Name, number>> {
  const objective = objectiveOf(bench.workload);
  const names = Object.keys(configurations) as Name[];
  const nodes = new Map<Name, BenchNode>();
  const windows = new Map<Name, LoadWindow[]>(names.map((name) => [name, []]));
  try {
    for (const name of names) nodes.set(name, await bench.bed.start(configurations[name]));
    for (const node of nodes.values()) await warmUp(bench, node);
    for (const name of roundsOf(names, ROUNDS)) {
      const node = nodes.get(name);
      if (node === undefined) continue;
      windows.get(name)?.push(...(await windowsOf(bench, node, 1, WINDOW_SECONDS)));
    }
  } finally {
    if (!bench.signal.aborted) for (const node of nodes.values()) await node.remove();
  }
  const readings = names.map((name) => {
    const cost = typical(windows.get(name) ?? [], (window) => costOf(objective, window));
    return [name, readingOf(objective, cost)] as const;
  });
  return Object.fromEntries(readings) as Record<Name, number>;
}
