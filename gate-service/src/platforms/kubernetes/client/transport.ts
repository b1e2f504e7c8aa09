/** One call to the API server: with a limit on its time, and repeated while trouble may pass. */
import { setTimeout as sleep } from 'node:timers/promises';
import { request, type Dispatcher } from 'undici';
import type { Connection } from './connection.ts';
import { errorOfAnswer, KubernetesError, type Attempted } from './errors.ts';
import { pathOf, wordsOf } from './kinds.ts';

export interface Call extends Attempted {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: { readonly type: string; readonly content: string };
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for all attempts together; the transport's own unless told. */
  readonly patienceMs?: number | undefined;
}

/** Milliseconds. */
export interface Patience {
  /** For one attempt, to the last byte of its answer. */
  readonly attemptMs: number;
  /** From the first attempt to giving up. An API server that is started again takes 5 to 10 s. */
  readonly patienceMs: number;
  /** Pause after the first failure; doubled each time, up to 20 times as long. */
  readonly pauseMs: number;
}

export const DEFAULT_PATIENCE: Patience = { attemptMs: 10_000, patienceMs: 45_000, pauseMs: 100 };
const LONGEST_PAUSE = 20;

export class Transport {
  readonly #connection: Connection;
  readonly #patience: Patience;

  constructor(connection: Connection, patience: Patience) {
    this.#connection = connection;
    this.#patience = patience;
  }

  /**
   * The text of an answer below 400. All of the gate's calls can be repeated: reads, server-side
   * applies, merge patches and deletions come to the same when done twice.
   * @throws KubernetesError, or the signal's reason
   */
  async text(call: Call): Promise<string> {
    const begun = performance.now();
    const limit = call.patienceMs ?? this.#patience.patienceMs;
    let renewed = false;
    let former: KubernetesError | undefined;
    for (let attempt = 1; ; attempt += 1) {
      call.signal?.throwIfAborted();
      const ms = this.#msOfAttempt(limit - (performance.now() - begun));
      try {
        return await this.#attempt(call, ms);
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error;
        if (former !== undefined && error.failure === 'timeout' && ms < this.#patience.attemptMs) {
          // Cut short by the end of all patience: its silence is no trouble of the API server's.
          throw givenUp(former, attempt, performance.now() - begun);
        }
        if (error.failure === 'unauthorized' && !renewed) {
          renewed = true;
          await this.#connection.credentials(true);
          continue;
        }
        const pause = error.retryAfterMs ?? this.#pauseAfter(attempt);
        const left = limit - (performance.now() - begun);
        if (!error.passing) throw error;
        if (pause >= left) throw givenUp(error, attempt, performance.now() - begun);
        former = error;
        await pauseFor(pause, call.signal);
      }
    }
  }

  /** Opens a stream: one attempt, whose limit ends with the head of the answer. */
  async open(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    const head = new AbortController();
    const timer = setTimeout(() => {
      head.abort(new Error('no answer'));
    }, this.#patience.attemptMs);
    try {
      const response = await this.#send(call, AbortSignal.any([signal, head.signal]));
      if (response.statusCode >= 400) {
        throw answerError(call, response, await response.body.text());
      }
      return response.body;
    } catch (error) {
      signal.throwIfAborted();
      throw wrapped(call, error, head.signal.aborted, this.#patience.attemptMs);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Milliseconds to wait after this many failures in a row, spread so that many callers do not come together. */
  #pauseAfter(failures: number): number {
    const doubled = this.#patience.pauseMs * Math.min(LONGEST_PAUSE, 2 ** (failures - 1));
    return doubled * (0.75 + Math.random() / 2);
  }

  #msOfAttempt(leftMs: number): number {
    return Math.max(1, Math.ceil(Math.min(this.#patience.attemptMs, leftMs)));
  }

  async #attempt(call: Call, ms: number): Promise<string> {
    const timeout = AbortSignal.timeout(ms);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    try {
      const response = await this.#send(call, signal);
      const text = await response.body.text();
      if (response.statusCode >= 400) throw answerError(call, response, text);
      return text;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw wrapped(call, error, timeout.aborted, ms);
    }
  }

  async #send(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { dispatcher, headers } = await this.#connection.credentials();
    const url = new URL(this.#connection.server + pathOf(call));
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return request(url, {
      dispatcher,
      method: METHODS[call.verb],
      headers: {
        ...headers,
        accept: call.accept ?? 'application/json',
        'user-agent': 'speed-gate',
        ...(call.body && { 'content-type': call.body.type }),
      },
      body: call.body?.content ?? null,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
}

const METHODS = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  patch: 'PATCH',
  delete: 'DELETE',
} as const;

function answerError(call: Call, { headers, statusCode }: Dispatcher.ResponseData, text: string) {
  const retryAfter = headers['retry-after'];
  return errorOfAnswer(
    call,
    statusCode,
    text,
    typeof retryAfter === 'string' ? retryAfter : undefined,
  );
}

function wrapped(call: Call, error: unknown, late: boolean, ms: number): KubernetesError {
  if (error instanceof KubernetesError) return error;
  const what = `${call.verb} ${wordsOf(call)}`;
  if (late) {
    return new KubernetesError(
      'timeout',
      `The API server did not answer ${what} within ${ms} ms.`,
      { cause: error },
    );
  }
  const why = error instanceof Error ? error.message : String(error);
  return new KubernetesError('unreachable', `The API server was not reached for ${what}: ${why}`, {
    cause: error,
  });
}

function givenUp(error: KubernetesError, attempts: number, ms: number): KubernetesError {
  if (attempts === 1 && error.retryAfterMs === undefined) return error;
  const wait =
    error.retryAfterMs === undefined ? '' : ` It asked to wait for ${error.retryAfterMs / 1000} s.`;
  return new KubernetesError(
    error.failure,
    `${error.message}${wait} Given up after ${attempts} attempts in ${(ms / 1000).toFixed(1)} s.`,
    {
      cause: error,
      retryAfterMs: error.retryAfterMs,
      ...(error.status !== undefined && { status: error.status }),
    },
  );
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
