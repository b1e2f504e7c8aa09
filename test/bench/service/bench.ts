/**
 * The gate service with a long history and many viewers, on SQLite and on PostgreSQL: how long its lists take,
 * whether 500 viewers of one run see every event, how it starts, and the memory it takes. All on loopback.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'undici';
import type { StorePlace } from '../../../gate-service/src/store/store.ts';
import { startPostgres } from '../../support/postgres.ts';
import { testDatabases } from '../../support/postgres-databases.ts';
import { fillHistory } from './history.ts';
import type { Filled } from './history.ts';
import { get, latencyOf, rounded, summary } from './latency.ts';
import type { Latency } from './latency.ts';
import { PEOPLE, SERVICES } from './made-up.ts';
import { OF_EACH_SERVICE } from './messages.ts';
import { startServer } from './server.ts';
import type { Server } from './server.ts';
import { watch } from './viewers.ts';

const GOAL_MS = 50;
const EVENTS = 60;
const EVENT_EVERY_MS = 100;
/** One in so many viewers loses its connection on the way. */
const BREAKING = 5;
const QUEUED = 200;
const DEEP_PAGES = 20;

interface Extent {
  readonly runs: number;
  readonly times: number;
  readonly viewers: number;
}

interface Row {
  readonly database: string;
  readonly fillSeconds: number;
  readonly startMs: number;
  readonly processStartMs: number;
  readonly latency: Readonly<Record<string, Latency>>;
  readonly submit: Latency;
  /** Asked for every some seconds by Prometheus, by nobody who waits: told, not held against the goal. */
  readonly metrics: Latency;
  readonly viewers: {
    readonly viewers: number;
    readonly events: number;
    readonly lost: number;
    readonly repeated: number;
    readonly reconnects: number;
    readonly delay: Latency;
  };
  readonly residentMiB: { readonly atStart: number; readonly atEnd: number };
}

/** Options `--runs N` (100000), `--times N` requests of each kind (300), `--viewers N` (500), `--only sqlite|postgresql`, `--record FILE`. */
export async function runServiceBench(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '100000' },
      times: { type: 'string', default: '300' },
      viewers: { type: 'string', default: '500' },
      only: { type: 'string' },
      record: { type: 'string' },
    },
  });
  const runs = whole(values.runs, '--runs', 1_000, 1_000_000);
  const extent = {
    runs,
    times: whole(values.times, '--times', 10, 10_000),
    viewers: whole(values.viewers, '--viewers', 1, 2_000),
  };
  if (values.only !== undefined && !['sqlite', 'postgresql'].includes(values.only)) {
    throw new Error('--only: sqlite or postgresql');
  }
  const rows: Row[] = [];
  if (values.only !== 'postgresql') rows.push(await onSqlite(extent, signal));
  if (values.only !== 'sqlite') rows.push(await onPostgres(extent, signal));
  const lists = rows.flatMap(({ latency }) => Object.values(latency).map(({ p99Ms }) => p99Ms));
  const met =
    Math.max(...lists) < GOAL_MS &&
    rows.every(({ viewers }) => viewers.lost + viewers.repeated === 0);
  const answer = {
    bench: 'service',
    ...extent,
    cores: cpus().length,
    goalMs: GOAL_MS,
    met,
    rows,
  };
  if (values.record !== undefined) {
    await writeFile(values.record, `${JSON.stringify(answer, undefined, 2)}\n`);
  }
  console.log(JSON.stringify(answer));
  if (!met) process.exitCode = 1;
}

function whole(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name}: expected a whole number from ${least} to ${most}`);
}

async function onSqlite(extent: Extent, signal: AbortSignal): Promise<Row> {
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-bench-'));
  try {
    const file = path.join(folder, 'speed-gate.sqlite');
    const filled = await filledWith({ file }, extent.runs, signal);
    const { size } = await stat(file);
    return await measure(
      { file },
      `SQLite, ${Math.round(size / 2 ** 20)} MiB`,
      filled,
      extent,
      signal,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function onPostgres(extent: Extent, signal: AbortSignal): Promise<Row> {
  const postgres = await startPostgres({ durable: true });
  try {
    const databases = await testDatabases(postgres.url);
    try {
      const url = await databases.createEmpty();
      const filled = await filledWith({ url }, extent.runs, signal);
      const [size] = await databases.query(
        url,
        'select pg_database_size(current_database()) as size',
      );
      const name = `${postgres.image}, ${Math.round(Number(size?.size) / 2 ** 20)} MiB`;
      return await measure({ url }, name, filled, extent, signal);
    } finally {
      await databases.close();
    }
  } finally {
    await postgres.stop();
  }
}

async function filledWith(place: StorePlace, runs: number, signal: AbortSignal): Promise<Filled> {
  say(`a history of ${runs} runs on ${'url' in place ? 'PostgreSQL' : 'SQLite'} …`);
  const filled = await fillHistory(place, runs, signal, say);
  say(`  in ${filled.seconds.toFixed(0)} s`);
  return filled;
}

async function measure(
  place: StorePlace,
  database: string,
  filled: Filled,
  { times, viewers: watching }: Extent,
  signal: AbortSignal,
): Promise<Row> {
  say(database);
  const server = await startServer(place);
  const client = new Client(server.url);
  try {
    const atStart = await server.residentMiB();
    const latency: Record<string, Latency> = {};
    const paths = await pathsOf(client, filled, signal);
    const time = async (name: string, url: string, token?: string) => {
      const own = await latencyOf(client, url, times, signal, token);
      latency[name] = own;
      say(`  ${name.padEnd(32)} p50 ${own.p50Ms} ms, p99 ${own.p99Ms} ms`);
    };
    for (const [name, url] of Object.entries(paths)) await time(name, url);
    await time('audit of 40 services', '/v1/audit', OF_EACH_SERVICE);

    const metrics = await latencyOf(client, '/metrics', times, signal);
    say(`  ${'metrics'.padEnd(32)} p50 ${metrics.p50Ms} ms, p99 ${metrics.p99Ms} ms`);
    const { first, submit } = await queueRuns(server, client, signal);
    say(
      `  ${`${QUEUED} runs submitted`.padEnd(32)} p50 ${submit.p50Ms} ms, p99 ${submit.p99Ms} ms`,
    );
    await time('queue of 200', '/v1/queue');
    await time('list with 200 queued', '/v1/runs?phase=queued');

    const viewers = await watched(server, first, watching, signal);
    say(
      `  ${watching} viewers, ${viewers.events} events: ${viewers.lost} lost, ${viewers.repeated} repeated, delay p50 ${viewers.delay.p50Ms} ms, p99 ${viewers.delay.p99Ms} ms`,
    );
    const atEnd = await server.residentMiB();
    const { processStartMs, startMs } = server;
    return {
      database,
      fillSeconds: rounded(filled.seconds),
      startMs: rounded(startMs),
      processStartMs: rounded(processStartMs),
      latency,
      metrics,
      submit,
      viewers,
      residentMiB: { atStart: rounded(atStart), atEnd: rounded(atEnd) },
    };
  } finally {
    await client.close();
    await server.stop();
  }
}

/** What a person opens; the page far back is reached by its cursor. */
async function pathsOf(
  client: Client,
  filled: Filled,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  let cursor = '';
  for (let page = 0; page < DEEP_PAGES; page += 1) {
    const url = `/v1/runs?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { nextCursor } = (await get(client, url, signal)) as { nextCursor?: string };
    if (nextCursor === undefined) break;
    cursor = nextCursor;
  }
  const [big = '', small = ''] = [SERVICES[0], SERVICES.at(-1)];
  const [person = ''] = PEOPLE;
  return {
    list: '/v1/runs',
    'list, far back': `/v1/runs?cursor=${cursor}`,
    'filter: large service': `/v1/runs?service=${big}`,
    'filter: small service': `/v1/runs?service=${small}`,
    'filter: rare cause': '/v1/runs?cause=platform-failed',
    'filter: service and cause': `/v1/runs?service=${small}&cause=cancelled`,
    'filter: service and decision': `/v1/runs?service=${big}&decision=promote`,
    'filter: build': `/v1/runs?build=${filled.build}`,
    'filter: person': `/v1/runs?requestedBy=${person}`,
    'filter: person and rare cause': `/v1/runs?requestedBy=${person}&cause=cancelled`,
    'decisions of a small service': `/v1/services/${small}/decisions`,
    'history of a small service': `/v1/services/${small}/history`,
    'trend of 100 runs': `/v1/services/${big}/trend?limit=100`,
    'all services': '/v1/services',
    'one run': `/v1/runs/${filled.newestRun}`,
    'audit of a small service': `/v1/audit?service=${small}`,
    'audit of a run': `/v1/audit?subject=${filled.newestRun}`,
    'failed deliveries': '/v1/deliveries?endpoint=chat&state=given-up',
  };
}

async function queueRuns(
  server: Server,
  client: Client,
  signal: AbortSignal,
): Promise<{ readonly first: string; readonly submit: Latency }> {
  const taken: number[] = [];
  let first = '';
  for (let n = 0; n < QUEUED; n += 1) {
    const build = createHash('sha256').update(`queued ${n}`).digest('hex');
    await server.build(build);
    const service = SERVICES[n % SERVICES.length] ?? '';
    const began = performance.now();
    const { statusCode, body } = await client.request({
      path: '/v1/runs',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `bench-${n}` },
      body: JSON.stringify({ service, build }),
      signal,
    });
    const text = await body.text();
    taken.push(performance.now() - began);
    if (statusCode !== 202) throw new Error(`POST /v1/runs answered ${statusCode}: ${text}`);
    if (n === 0) first = (JSON.parse(text) as { readonly id: string }).id;
  }
  return { first, submit: summary(taken) };
}

async function watched(
  server: Server,
  runId: string,
  viewers: number,
  signal: AbortSignal,
): Promise<Row['viewers']> {
  // What the run has already: its acceptance.
  const url = `${server.url}/v1/runs/${runId}/events`;
  const client = new Client(server.url);
  const { events: before } = (await get(client, `/v1/runs/${runId}/events?after=0`, signal)) as {
    readonly events: readonly unknown[];
  };
  await client.close();
  const events = before.length + EVENTS;
  const { connected, done } = watch(url, { viewers, events, breaking: BREAKING }, signal);
  await connected;
  for (let n = 1; n <= EVENTS; n += 1) {
    await server.append(runId, `window ${n}`, n === EVENTS);
    await sleep(EVENT_EVERY_MS, undefined, { signal });
  }
  const { delays, ...seen } = await done;
  return { viewers, events, ...seen, delay: summary(delays) };
}

function say(line: string): void {
  console.error(line);
}
