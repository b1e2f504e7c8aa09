/** Follows the events of one run from the store: nothing is lost, nothing comes twice, in order. */
import type { RunEvent, RunView } from '../../runs/run.ts';
import type { RunService } from '../../runs/run-service.ts';

/** What a follower is given: an event, a sign of life, or the end. */
export type StreamItem =
  { readonly kind: 'event'; readonly event: RunEvent } | { readonly kind: 'alive' };

export interface StreamTimes {
  /** Without news the store is asked again and the follower told that the line is up. Milliseconds. */
  readonly aliveMs: number;
  /** How long a run that is over is still listened to, for events that are written at its very end. Milliseconds. */
  readonly lingerMs: number;
}

/**
 * Yields events with a sequence above `after`, then new ones as they happen, until the run is over (see
 * {@link isOver}) and all its events were given, or `signal` aborts. A notification only wakes the reader;
 * the events always come from the store, so a lost or early notification changes nothing but the delay.
 */
export async function* followEvents(
  runs: RunService,
  id: string,
  after: number,
  times: StreamTimes,
  signal: AbortSignal,
): AsyncGenerator<StreamItem, void> {
  let last = after;
  let news = false;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    news = true;
    wake?.();
  };
  const unsubscribe = runs.subscribe(id, notify);
  signal.addEventListener('abort', notify, { once: true });
  try {
    const over = async (): Promise<boolean> => isOver(await runs.get(id));
    let finished = await over();
    let lingered = finished;
    while (!signal.aborted) {
      news = false;
      const events = await runs.events(id, last);
      for (const event of events) {
        last = event.sequence;
        yield { kind: 'event', event };
      }
      if (!finished && events.some(mayEnd)) finished = await over();
      if (events.length > 0) continue;
      if (finished && lingered) return;
      if (finished) lingered = true;
      const woken = await sleep(finished ? times.lingerMs : times.aliveMs);
      if (woken || finished) continue;
      yield { kind: 'alive' };
      finished = await over();
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', notify);
  }

  function sleep(ms: number): Promise<boolean> {
    if (news || signal.aborted) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        wake = undefined;
        resolve(false);
      }, ms);
      wake = () => {
        clearTimeout(timer);
        wake = undefined;
        resolve(true);
      };
    });
  }
}

/** Nothing more will happen: the run has its decision, and no order beside it is still to act or at work. */
export function isOver(run: RunView | undefined): boolean {
  if (run === undefined) return true;
  return (
    run.phase === 'finished' &&
    run.overrides.every(
      ({ promotion, state }) => state !== 'waiting' && promotion?.state !== 'running',
    )
  );
}

/** After such an event the run may be over. */
function mayEnd({ data, type }: RunEvent): boolean {
  return (
    type === 'decision' ||
    type === 'override' ||
    data.phase === 'finished' ||
    (type === 'promotion' && data.state !== undefined)
  );
}

/** One server-sent event (HTML standard, section 9.2.5); the data is one line of JSON. */
export function formatServerSentEvent(event: RunEvent): string {
  return `id: ${String(event.sequence)}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
