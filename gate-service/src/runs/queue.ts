/** Where queued runs wait, and behind what: one measurement at a time, oldest request first. */
import type { Driving } from './driving.ts';
import type { QueuePlace, RunPhase } from './run.ts';
import type { RunRecord, RunStore } from './run-store.ts';

/** A run that waits or is under way, as the queue shows it. */
export interface QueueEntry {
  readonly id: string;
  readonly service: string;
  readonly build: string;
  readonly label?: string;
  readonly requestedBy: string;
  readonly createdAt: string;
  readonly phase: RunPhase;
  readonly earlierRuns: number;
  /** While it is queued. */
  readonly queue?: QueuePlace;
}

export interface Queue {
  /** Under way first, then queued ones in the order in which their turn comes. */
  readonly runs: readonly RunRecord[];
  /** By id of the queued run. */
  readonly places: ReadonlyMap<string, QueuePlace>;
}

/** @param driving who works through the queue; undefined: this process, always */
export async function readQueue(
  store: Pick<RunStore, 'queuedRuns' | 'unfinishedRuns'>,
  driving: Driving | undefined,
): Promise<Queue> {
  const [active, queued] = await Promise.all([store.unfinishedRuns(), store.queuedRuns()]);
  const idle = driving !== undefined && !driving.here && driving.holder === undefined;
  const places = queued.map((run, index): [string, QueuePlace] => {
    const before = queued[index - 1] ?? active.at(-1);
    return [
      run.id,
      {
        ahead: active.length + index,
        ...(before === undefined ? {} : { behind: before.id }),
        reason: reasonOf(active, index, idle),
      },
    ];
  });
  return { runs: [...active, ...queued], places: new Map(places) };
}

export function queueEntry(run: RunRecord, places: Queue['places']): QueueEntry {
  const place = places.get(run.id);
  return {
    id: run.id,
    service: run.service,
    build: run.build,
    ...(run.label === undefined ? {} : { label: run.label }),
    requestedBy: run.requestedBy,
    createdAt: run.createdAt,
    phase: run.phase,
    earlierRuns: run.settings.earlierRuns ?? 0,
    ...(place === undefined ? {} : { queue: place }),
  };
}

/** Names no service: who may read one run need not know of the others. */
function reasonOf(active: readonly RunRecord[], index: number, idle: boolean): string {
  if (idle)
    return 'no replica of the gate service drives runs at this moment: it starts when one does';
  const [current] = active;
  const others = index === 0 ? '' : `${runs(index)} that came earlier`;
  if (current === undefined) {
    return index === 0
      ? 'it is next and starts at once'
      : `waits for ${others}: one is measured at a time`;
  }
  const underWay = `${active.length === 1 ? 'a run' : runs(active.length)} that ${active.length === 1 ? `is ${current.phase}` : 'are under way'}`;
  return `waits for ${[underWay, others].filter((part) => part !== '').join(' and ')}: one is measured at a time`;
}

function runs(count: number): string {
  return count === 1 ? 'one run' : `${String(count)} runs`;
}
