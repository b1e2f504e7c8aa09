/** A steady stream of requests whose every answer is kept: what was not answered by 200 is a failure. */
import { Agent, request } from 'node:http';

export interface Answer {
  /** When it was sent, by `performance.now()`. */
  readonly sentAt: number;
  /** When its end was known, by the same clock. */
  readonly endedAt: number;
  /** Status, or what went wrong. */
  readonly outcome: number | string;
  readonly body: string;
}

const TICK_MS = 10;
const TIMEOUT_MS = 15_000;

/** Sends until stopped, also while answers are missing: the rate does not follow the server. */
export class SteadyLoad {
  readonly answers: Answer[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #pending = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #url: URL;
  readonly #host: string;

  constructor(url: string, host: string, perSecond: number) {
    this.#url = new URL(url);
    this.#host = host;
    const begun = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) * perSecond) / 1000;
      for (; sent < due; sent += 1) this.#send();
    }, TICK_MS);
  }

  get failures(): readonly Answer[] {
    return this.answers.filter(({ outcome }) => outcome !== 200);
  }

  /** The answers to what was sent from now on, when there are this many. */
  async next(count: number): Promise<readonly Answer[]> {
    const from = performance.now();
    for (;;) {
      const since = this.answers.filter(({ sentAt }) => sentAt >= from);
      if (since.length >= count) return since;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  /** Ends it and waits for the last answer. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#agent.destroy();
  }

  #send(): void {
    const sentAt = performance.now();
    const one = ask(this.#url, { Host: this.#host }, this.#agent).then(
      ({ status, body }) => {
        this.answers.push({ sentAt, endedAt: performance.now(), outcome: status, body });
      },
      (error: unknown) => {
        const outcome = error instanceof Error ? error.message : String(error);
        this.answers.push({ sentAt, endedAt: performance.now(), outcome, body: '' });
      },
    );
    this.#pending.add(one);
    void one.finally(() => this.#pending.delete(one));
  }
}

/** One request. @throws Error when there is no answer */
export function ask(
  url: URL | string,
  headers: Readonly<Record<string, string>>,
  agent?: Agent,
): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { headers, timeout: TIMEOUT_MS, ...(agent && { agent }) },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
        });
      },
    );
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.end();
  });
}
