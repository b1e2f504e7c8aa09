/**
 * Open-loop load on the sample application, in a process of its own: Poisson arrivals, half of the
 * requests on kept and half on fresh connections, a fifth of them POST. Goes on until it is told to
 * stop, then waits for what is in flight. Ends when its starter is gone.
 */
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool, type Dispatcher } from 'undici';
import { createArrivals } from '../../../gate-service/src/load/arrivals.ts';
import { monotonicUs } from '../../../gate-service/src/load/monotonic.ts';
import { createRandom } from '../../../gate-service/src/statistics/random.ts';
import type { Connection, Exchange, LoadMessage, LoadPlan } from './exchange.ts';

const REPORT_MS = 250;
/** httpd may hold every connection back for a second; the pool has room for what comes meanwhile. */
const KEPT_CONNECTIONS = 2000;

const SAID_LENGTH = 160;

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const origin = `http://127.0.0.1:${plan.port}`;
const limits: Client.Options = {
  pipelining: 1,
  headersTimeout: plan.timeoutMs,
  bodyTimeout: plan.timeoutMs,
  connect: { timeout: plan.timeoutMs },
};
const pool = new Pool(origin, { ...limits, connections: KEPT_CONNECTIONS });

/** By path, which names the request: on what kind of connection it was written. */
const written = new Map<string, 'reused' | 'opened'>();
const known = new WeakSet();
subscribe('undici:client:sendHeaders', (message) => {
  const { request, socket } = message as { request: { path: string }; socket: object };
  written.set(request.path, known.has(socket) ? 'reused' : 'opened');
  known.add(socket);
});

interface Request {
  readonly number: number;
  readonly intendedUs: number;
}

async function exchange({ number, intendedUs }: Request): Promise<Exchange> {
  const dispatchedUs = monotonicUs();
  const id = `${plan.seed}-${number}`;
  const fresh = number % 2 === 0;
  const kind = kindOf(Math.floor(number / 2));
  const path = `/${kind}?id=${id}`;
  const method = kind === 'order' ? 'POST' : 'GET';
  const client = fresh ? new Client(origin, limits) : undefined;
  const outcome = await ask(client ?? pool, { method, path, reset: fresh }, id);
  const endedUs = monotonicUs();
  client?.destroy().catch(() => undefined);
  const connection = connectionOf(path, fresh);
  written.delete(path);
  return { intendedUs, dispatchedUs, endedUs, method, fresh, connection, ...outcome };
}

/** 5 searches, 3 carts and 2 orders of 10, in turn. */
function kindOf(number: number): 'search' | 'cart' | 'order' {
  const place = number % 10;
  if (place < 5) return 'search';
  return place < 8 ? 'cart' : 'order';
}

function connectionOf(path: string, fresh: boolean): Connection {
  const how = written.get(path);
  if (how === undefined) return 'unsent';
  return fresh ? 'fresh' : how;
}

async function ask(
  dispatcher: Dispatcher,
  request: Pick<Dispatcher.RequestOptions, 'method' | 'path' | 'reset'>,
  id: string,
): Promise<Pick<Exchange, 'plannedWaitMs' | 'failure'>> {
  let stage = 'before the answer';
  try {
    const { statusCode, body } = await dispatcher.request({
      ...request,
      headers: { host: plan.authority },
      body: request.method === 'POST' ? '{"items":[]}' : null,
    });
    stage = 'in the answer';
    const text = await body.text();
    if (statusCode !== 200) {
      return { plannedWaitMs: 0, failure: `status ${statusCode} (${firstWords(text)})` };
    }
    const wait = plannedWait(text, id);
    return wait === undefined
      ? { plannedWaitMs: 0, failure: 'not the answer to this request' }
      : { plannedWaitMs: wait };
  } catch (error) {
    return { plannedWaitMs: 0, failure: `${reasonOf(error)} ${stage}` };
  }
}

/** A proxy says its reason in plain text, httpd in the title of a page. */
function firstWords(text: string): string {
  const title = /<title>(.*?)<\/title>/s.exec(text)?.[1] ?? text;
  return title.trim().slice(0, SAID_LENGTH);
}

/** The application says how long it waited on purpose; `undefined` when this is not its answer to `id`. */
function plannedWait(text: string, id: string): number | undefined {
  try {
    const answer = JSON.parse(text) as { id?: unknown; waitMs?: unknown };
    return answer.id === id && typeof answer.waitMs === 'number' ? answer.waitMs : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as NodeJS.ErrnoException;
  // Both say that the other side closed the connection; which one it is depends on who saw it first.
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') return 'closed';
  return code ?? error.message;
}

let unsaid: Exchange[] = [];
function say(): void {
  if (unsaid.length === 0) return;
  const message: LoadMessage = { type: 'exchanges', exchanges: unsaid };
  unsaid = [];
  process.send?.(message);
}

let stopping = false;
process.on('message', () => {
  stopping = true;
});
process.on('disconnect', () => {
  process.exit(1);
});
// A terminal's Ctrl-C reaches the whole group; the bench decides when its load ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const arrivals = createArrivals('poisson', plan.perSecond, createRandom(plan.seed, 'arrivals'));
const reports = setInterval(say, REPORT_MS);
const inFlight = new Set<Promise<void>>();
const startUs = monotonicUs();
let number = 0;
let nextUs = startUs + arrivals.next();
// `stopping` changes between turns of the event loop.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
while (!stopping) {
  for (; nextUs <= monotonicUs(); nextUs = startUs + arrivals.next()) {
    const done = exchange({ number, intendedUs: nextUs }).then((result) => {
      unsaid.push(result);
      inFlight.delete(done);
    });
    inFlight.add(done);
    number += 1;
  }
  await sleep(Math.max(0, (nextUs - monotonicUs()) / 1000));
}
await Promise.all(inFlight);
clearInterval(reports);
say();
await pool.close();
process.send?.({ type: 'end' } satisfies LoadMessage, () => {
  process.exit(0);
});
