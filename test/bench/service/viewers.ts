/** People who watch one run: server-sent events on connections of their own, some of which break now and then. */
import { get as httpGet } from 'node:http';
import type { IncomingMessage } from 'node:http';

export interface Seen {
  /** Events that never came, that came twice, or out of order. */
  readonly lost: number;
  readonly repeated: number;
  /** From the moment of writing to that of reading, milliseconds. */
  readonly delays: readonly number[];
  readonly reconnects: number;
}

interface Viewer {
  last: number;
  repeated: number;
  lost: number;
  /** Connections, the first among them. */
  connects: number;
  ended: boolean;
}

/**
 * Opens the streams and resolves `connected` when all are up, `done` when all have seen the end.
 * @param breaking every n-th viewer loses its connection after half of the events and goes on by Last-Event-ID
 */
export function watch(
  url: string,
  options: { readonly viewers: number; readonly events: number; readonly breaking: number },
  signal: AbortSignal,
): { readonly connected: Promise<void>; readonly done: Promise<Seen> } {
  const { breaking, events, viewers } = options;
  const delays: number[] = [];
  const all: Viewer[] = Array.from({ length: viewers }, () => ({
    last: 0,
    repeated: 0,
    lost: 0,
    connects: 0,
    ended: false,
  }));

  const follow = async (viewer: Viewer, n: number, up: () => void): Promise<void> => {
    const breaks = n % breaking === 0;
    while (!viewer.ended) {
      signal.throwIfAborted();
      const answer = await open(url, viewer.last, signal);
      viewer.connects += 1;
      up();
      if (answer.statusCode === 204) return;
      if (answer.statusCode !== 200) throw new Error(`events answered ${answer.statusCode ?? '?'}`);
      let rest = '';
      try {
        for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
          const parts = (rest + chunk).split('\n\n');
          rest = parts.pop() ?? '';
          for (const part of parts) take(viewer, part);
          if (breaks && viewer.connects === 1 && viewer.last >= events / 2) break;
        }
      } catch (error) {
        if (signal.aborted) throw error;
      }
      answer.destroy();
    }
  };
  const take = (viewer: Viewer, text: string): void => {
    if (text.startsWith('event: end')) viewer.ended = true;
    const data = /^data: (.*)$/m.exec(text)?.[1];
    const id = /^id: (\d+)$/m.exec(text)?.[1];
    if (data === undefined || id === undefined) return;
    const sequence = Number(id);
    if (sequence <= viewer.last) viewer.repeated += 1;
    else viewer.lost += sequence - viewer.last - 1;
    viewer.last = Math.max(viewer.last, sequence);
    const { data: own } = JSON.parse(data) as { readonly data: { readonly sentAt?: number } };
    if (own.sentAt !== undefined) delays.push(Date.now() - own.sentAt);
  };

  const ups: Promise<void>[] = [];
  const ends = all.map((viewer, n) => {
    let up: () => void = () => undefined;
    ups.push(new Promise((resolve) => (up = resolve)));
    return follow(viewer, n, up);
  });
  const done = Promise.all(ends).then(() => ({
    lost: all.reduce((sum, { last, lost }) => sum + lost + Math.max(0, events - last), 0),
    repeated: all.reduce((sum, { repeated }) => sum + repeated, 0),
    reconnects: all.reduce((sum, { connects }) => sum + connects - 1, 0),
    delays,
  }));
  return {
    connected: Promise.race([Promise.all(ups), done]).then(() => undefined),
    done,
  };
}

function open(url: string, last: number, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = {
    accept: 'text/event-stream',
    ...(last > 0 && { 'last-event-id': String(last) }),
  };
  return new Promise((resolve, reject) => {
    httpGet(url, { headers, agent: false, signal }, resolve).on('error', reject);
  });
}
