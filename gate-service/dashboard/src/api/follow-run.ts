/**
 * Follows the events of a run with the token in a header, which EventSource cannot send. A cut
 * connection is taken up again behind the last event that came, so that none is lost or told twice.
 */
import { ask } from './client.ts';
import { asProblem } from './problem.ts';
import type { Problem } from './problem.ts';
import { EventParser } from './server-sent-events.ts';
import type { RunEvent } from './types.ts';

/** `cut`: it is being tried again; `refused`: it is not, for the answer would be the same; `ended`: nothing more will come. */
export type Line =
  | { readonly state: 'connecting' | 'live' | 'ended' }
  | { readonly state: 'cut'; readonly retryMs: number; readonly problem: Problem }
  | { readonly state: 'refused'; readonly problem: Problem };

export interface Follower {
  /** New events, rising, each once. */
  events(events: readonly RunEvent[]): void;
  /** What was told is not of this run's life as the service knows it: it is told again from the beginning. */
  reset(): void;
  line(line: Line): void;
}

/** The service says every 15 s that it is there; silence of this length is a dead line. */
const SILENCE_MS = 40_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 20_000;

/** Resolves when the run has no more to tell, when `signal` aborts, or when the answer cannot get better. */
export async function followRun(
  id: string,
  after: number,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  let last = after;
  let failures = 0;
  const take = (events: readonly RunEvent[]): void => {
    const fresh = events.filter(({ sequence }) => sequence > last);
    const newest = fresh.at(-1);
    if (newest === undefined) return;
    last = newest.sequence;
    failures = 0;
    follower.events(fresh);
  };
  const isAborted = (): boolean => signal.aborted;
  follower.line({ state: 'connecting' });
  while (!isAborted()) {
    let problem: Problem;
    try {
      const ended = await readStream(id, last, signal, take, () => {
        follower.line({ state: 'live' });
      });
      if (ended) {
        follower.line({ state: 'ended' });
        return;
      }
      problem = asProblem(new Error('The connection ended.'));
    } catch (error) {
      problem = asProblem(error);
    }
    if (isAborted()) return;
    if ([401, 403, 404].includes(problem.status)) {
      follower.line({ state: 'refused', problem });
      return;
    }
    // A store that was set back does not know what was told from it: asking behind it would go on for ever.
    if (problem.code === 'unknown-event') {
      last = 0;
      follower.reset();
    }
    const retryMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    failures += 1;
    follower.line({ state: 'cut', retryMs, problem });
    // Viewers that were cut together do not come back together.
    await pause(retryMs * (0.75 + Math.random() / 2), signal);
  }
}

/** @returns whether the service said that this was all */
async function readStream(
  id: string,
  after: number,
  signal: AbortSignal,
  take: (events: readonly RunEvent[]) => void,
  opened: () => void,
): Promise<boolean> {
  const silence = new AbortController();
  let timer = 0;
  const heard = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      silence.abort(new Error('The service has gone silent.'));
    }, SILENCE_MS);
  };
  heard();
  try {
    const answer = await ask(`/v1/runs/${encodeURIComponent(id)}/events`, {
      signal: AbortSignal.any([signal, silence.signal]),
      headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
    });
    if (answer.status === 204 || answer.body === null) return true;
    opened();
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      heard();
      const news = parser.push(decoder.decode(value, { stream: true }));
      take(news.flatMap(({ data, id: own }) => (own === undefined ? [] : [eventOf(data)])));
      if (news.some(({ event }) => event === 'end')) return true;
    }
  } finally {
    clearTimeout(timer);
  }
}

function eventOf(data: string): RunEvent {
  return JSON.parse(data) as RunEvent;
}

/** Resolves after `ms`, when the machine is online again, or at once when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      window.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = window.setTimeout(end, ms);
    window.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
