/** HTTP/1.1 over kept and fresh connections with a cap, on undici. Knows nothing of arms or windows. */
import { Client, Pool, type Dispatcher } from 'undici';
import type { Answer } from './answer.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** On a connection of its own, closed afterwards. */
  readonly fresh: boolean;
  readonly needsBody: boolean;
}

/** How an exchange ended: an answer, or an error word. */
export type Settled = { readonly answer: Answer } | { readonly error: string };

export interface Exchange {
  /** Ends it at once; nothing is reported any more. */
  cancel(): void;
}

export interface RequestClientOptions {
  readonly host: string;
  readonly port: number;
  /** Most requests under way, on kept and fresh connections together; further ones wait in order. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** Response header whose value becomes {@link Answer.launch}; lower case. */
  readonly launchHeader: string;
}

/** Longest body that is kept for a check; the rest is read and dropped. */
const MAX_CHECKED_BODY = 1_000_000;

/** The sender's own limits: they say nothing of the service. */
const OWN_LIMITS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']);

/** Thrown through the `fatal` callback: the machine does not let the sender open more connections. */
export class SenderLimitError extends Error {}

interface Waiting {
  cancelled: boolean;
  start(): void;
}

export class RequestClient {
  readonly #options: RequestClientOptions;
  readonly #origin: string;
  readonly #pool: Pool;
  readonly #fatal: (error: Error) => void;
  readonly #queue: Waiting[] = [];
  #underWay = 0;

  constructor(options: RequestClientOptions, fatal: (error: Error) => void) {
    this.#options = options;
    this.#fatal = fatal;
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    this.#origin = `http://${host}:${options.port}`;
    this.#pool = new Pool(this.#origin, {
      ...this.#clientOptions(),
      connections: options.connections,
    });
  }

  /** Whether the next request would have to wait for a connection. */
  get full(): boolean {
    return this.#underWay >= this.#options.connections;
  }

  /** `settled` is called exactly once, unless the exchange is cancelled. */
  send(request: OutgoingRequest, settled: (result: Settled) => void): Exchange {
    const state: Waiting & { controller?: Dispatcher.DispatchController } = {
      cancelled: false,
      start: () => {
        this.#underWay += 1;
        this.#dispatch(request, state, settled);
      },
    };
    if (this.full) this.#queue.push(state);
    else state.start();
    return {
      cancel: () => {
        state.cancelled = true;
        state.controller?.abort(new Error('cancelled'));
      },
    };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #clientOptions(): Client.Options {
    // Time-outs are the caller's: undici's are good to half a second only.
    return {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: this.#options.connectTimeoutMs },
    };
  }

  #dispatch(
    request: OutgoingRequest,
    state: Waiting & { controller?: Dispatcher.DispatchController },
    settled: (result: Settled) => void,
  ): void {
    const client = request.fresh ? new Client(this.#origin, this.#clientOptions()) : undefined;
    let status = 0;
    let launch: string | undefined;
    let body = '';
    let over = false;
    const finish = (result: Settled): void => {
      if (over) return;
      over = true;
      this.#release();
      // A fresh connection ends with its request; whether it ends well is of no interest.
      client?.destroy().catch(() => undefined);
      if (!state.cancelled) settled(result);
    };
    try {
      (client ?? this.#pool).dispatch(
        {
          method: request.method,
          path: request.path,
          headers: request.headers,
          body: request.body ?? null,
          reset: request.fresh,
        },
        {
          onRequestStart: (controller) => {
            state.controller = controller;
            if (state.cancelled) controller.abort(new Error('cancelled'));
          },
          onResponseStart: (_controller, statusCode, headers) => {
            // 1xx answers are announced here too; the last one counts.
            status = statusCode;
            const value = headers[this.#options.launchHeader];
            launch = Array.isArray(value) ? value[0] : value;
          },
          onResponseData: (_controller, chunk) => {
            if (request.needsBody && body.length < MAX_CHECKED_BODY)
              body += chunk.toString('latin1');
          },
          onResponseEnd: () => {
            finish({
              answer: {
                status,
                ...(launch === undefined ? {} : { launch }),
                // Gathered byte by byte, so that a character cut by a chunk is whole again.
                ...(request.needsBody
                  ? { body: Buffer.from(body, 'latin1').toString('utf8') }
                  : {}),
              },
            });
          },
          onResponseError: (_controller, error) => {
            finish({ error: this.#errorWord(error) });
          },
        },
      );
    } catch (error) {
      finish({ error: this.#errorWord(error) });
    }
  }

  #release(): void {
    this.#underWay -= 1;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (next.cancelled) continue;
      next.start();
      return;
    }
  }

  #errorWord(error: unknown): string {
    const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
    if (OWN_LIMITS.has(code)) {
      this.#fatal(
        new SenderLimitError(
          `the sender cannot open more connections (${code}): raise the limit (ulimit -n, local port range), lower the rate or the share of fresh connections`,
          { cause: error },
        ),
      );
    }
    return errorWord(code, error instanceof Error ? error.name : '');
  }
}

/** The error word of a sample for an error of Node or undici, by its code and name. */
export function errorWord(code: string, name = ''): string {
  if (name === 'HTTPParserError') return 'protocol';
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
    case 'UND_ERR_SOCKET':
      return 'reset';
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'timeout';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'unreachable';
    default:
      return code.startsWith('UND_ERR_RES') || code === 'UND_ERR_HEADERS_OVERFLOW'
        ? 'protocol'
        : 'failed';
  }
}
