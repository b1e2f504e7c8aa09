/** Loads nodes in turns: pairs of windows of two nodes, and until a changed node is as warm as the other. */
import type { LoadNode } from './load.ts';
import { SERVICE, type BenchNode, type NodeBed } from './nodes.ts';
import { turnsOf, type PairLane } from './turns.ts';
import { costOf, type LoadWindow } from './window.ts';
import { objectiveOf, type BenchWorkload } from './workloads.ts';

export interface Bench {
  readonly bed: NodeBed;
  readonly load: LoadNode;
  /** Share of failed requests, 0–1, above which a window ends the evaluation at once; 0.95 when absent. */
  readonly burst?: number;
  readonly workload: BenchWorkload;
  readonly signal: AbortSignal;
}

/** Comparisons of an evaluation. Adoption wants three at least, and one may be spoilt by strangers. */
export const PAIRS = 4;
export const WINDOW_SECONDS = 3;
/** An idle httpd with small spare limits ends children, and gets them back at one or two a second. */
export const WARM_SECONDS = 3;

/** A fresh JVM is done when neighbouring slices differ by less; after so many it is measured as it is. */
const STEADY = { seconds: 2, most: 8, least: 2, difference: 0.05 } as const;
/** Nearly nothing is answered. Stock in overload closes kept connections, and a third of its requests go out twice. */
const COLLAPSE = 0.95;

/** A window full of errors: the evaluation is broken off, and nothing more is sent to the node. */
export class ErrorBurst extends Error {
  constructor(share: number) {
    super(`${(share * 100).toFixed(0)} % of the requests of a window failed`);
    this.name = 'ErrorBurst';
  }
}

/** @throws ErrorBurst */
export async function windowsOf(
  { bed, burst = COLLAPSE, load, workload, signal }: Bench,
  node: BenchNode,
  windows: number,
  seconds = WINDOW_SECONDS,
  warmSeconds = WARM_SECONDS,
): Promise<LoadWindow[]> {
  const loaded = await load(workload, {
    port: node.port,
    authority: SERVICE.hosts[0],
    warmSeconds,
    windows,
    windowSeconds: seconds,
    ownPids: await bed.pids(),
    signal,
  });
  const worst = Math.max(...loaded.map(({ failedShare }) => failedShare));
  if (worst > burst) throw new ErrorBurst(worst);
  return loaded;
}

/** Loads a node that was changed or is new until its speed stands still. @throws ErrorBurst */
export async function warmUp(bench: Bench, node: BenchNode): Promise<void> {
  const objective = objectiveOf(bench.workload);
  let last = NaN;
  for (let slice = 1; slice <= STEADY.most; slice += 1) {
    const [window] = await windowsOf(bench, node, 1, STEADY.seconds, slice === 1 ? 1 : 0);
    const cost = window === undefined ? NaN : costOf(objective, window);
    const steady = Math.abs(Math.log(cost / last)) < STEADY.difference;
    if (steady && slice > STEADY.least) return;
    last = cost;
  }
}

/** Windows of both in pairs, by turns.ts. A burst is only the challenger's to answer for. @throws ErrorBurst */
export async function measurePairs(
  bench: Bench,
  nodes: Readonly<Record<PairLane, BenchNode>>,
): Promise<Record<PairLane, LoadWindow[]>> {
  const windows: Record<PairLane, LoadWindow[]> = { incumbent: [], challenger: [] };
  for (const { lane, windows: count } of turnsOf(PAIRS)) {
    const of = lane === 'challenger' ? bench : { ...bench, burst: COLLAPSE };
    windows[lane].push(...(await windowsOf(of, nodes[lane], count)));
  }
  return windows;
}
