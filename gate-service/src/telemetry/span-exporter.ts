/** Sends spans of finished runs to a collector over OTLP/HTTP, beside whoever else hears of them and never in a run's way. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Notifier } from '../runs/notifier.ts';
import type { RunRecord } from '../runs/records.ts';
import { runSpans } from './run-spans.ts';

export interface SpanExporterOptions {
  /** Base URL of the collector, e.g. `http://collector:4318`; `/v1/traces` is put behind it. */
  readonly url: string;
  /** Told of spans that could not be delivered. */
  readonly problem: (error: Error) => void;
  /** Milliseconds before the second try; each further one waits twice as long. */
  readonly backOffMs?: number;
}

export interface SpanExporter {
  /** Passes every notice on, and exports finished runs. */
  listening(next: Notifier): Notifier;
  /** Gives up what waits for a further try, and ends when nothing is under way. */
  close(): Promise<void>;
}

const TRIES = 5;
const TIMEOUT_MS = 10_000;
const BACK_OFF_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** By OTLP these, and no answer at all, may be tried again; everything else would fail again. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Spans are kept in memory until they are delivered: what a restart loses is in the run's record all the same. */
export function createSpanExporter(options: SpanExporterOptions): SpanExporter {
  const closing = new AbortController();
  const underWay = new Set<Promise<void>>();
  const start = (run: RunRecord): void => {
    const body = runSpans(run);
    if (body === undefined) return;
    const delivery = deliver(options, JSON.stringify(body), closing.signal).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        options.problem(
          new Error(`the spans of run ${run.id} were not delivered: ${why}`, { cause: error }),
        );
      },
    );
    underWay.add(delivery);
    void delivery.then(() => underWay.delete(delivery));
  };
  return {
    listening: (next) => ({
      notify(notice) {
        if (notice.type === 'decision') start(notice.run);
        return next.notify(notice);
      },
    }),
    async close() {
      closing.abort(new Error('the service ends'));
      await Promise.all(underWay);
    },
  };
}

/** @throws Error when the collector does not take it */
async function deliver(
  { backOffMs = BACK_OFF_MS, url }: SpanExporterOptions,
  body: string,
  closing: AbortSignal,
): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const refusal = await post(`${url.replace(/\/+$/, '')}/v1/traces`, body);
    if (refusal === undefined) return;
    if (!refusal.passing || tried === TRIES || closing.aborted) throw new Error(refusal.why);
    const waitMs = refusal.retryAfterMs ?? backOffMs * 2 ** (tried - 1);
    await sleep(Math.min(waitMs, LONGEST_WAIT_MS), undefined, { signal: closing }).catch(() => {
      throw new Error(refusal.why);
    });
  }
}

interface Refusal {
  readonly why: string;
  readonly passing: boolean;
  readonly retryAfterMs?: number;
}

async function post(url: string, body: string): Promise<Refusal | undefined> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return { why: `${url} does not answer: ${why}`, passing: true };
  }
  if (response.ok) return rejected(url, text);
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  return {
    why: `${url} answers ${response.status}: ${text.slice(0, 200)}`,
    passing: PASSING.has(response.status),
    ...(seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
}

/** A collector may take a request and none of its spans; the answer may also be empty, or no JSON. */
function rejected(url: string, text: string): Refusal | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { partialSuccess } = (answer ?? {}) as {
    partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string };
  };
  const spans = Number(partialSuccess?.rejectedSpans ?? 0);
  if (!(spans > 0)) return undefined;
  return {
    why: `${url} rejected ${spans} spans: ${partialSuccess?.errorMessage ?? ''}`,
    passing: false,
  };
}
