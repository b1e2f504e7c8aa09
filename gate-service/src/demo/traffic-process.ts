/**
 * The demo's users: constant traffic through production's proxy, in a process of its own.
 * Reports its counters on request and at the end; stops when its parent is gone.
 */
import { Pool } from 'undici';
import type { TrafficCounters, TrafficPlan } from './production-traffic.ts';

const plan = JSON.parse(process.argv[2] ?? '') as TrafficPlan;
const pool = new Pool(`http://${plan.host}:${String(plan.port)}`, {
  connections: plan.connections,
});
const failures = new Map<string, number>();
let sent = 0;
let succeeded = 0;
let stopping = false;

function fail(reason: string): void {
  failures.set(reason, (failures.get(reason) ?? 0) + 1);
}

async function one(sequence: number): Promise<void> {
  const request = plan.paths[sequence % plan.paths.length] ?? '/';
  try {
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path: request.replaceAll('${sequence}', String(sequence)),
      headers: { host: plan.authority },
      headersTimeout: plan.timeoutMs,
      bodyTimeout: plan.timeoutMs,
    });
    await body.dump();
    if (statusCode < 400) succeeded += 1;
    else fail(`status ${String(statusCode)}`);
  } catch (error) {
    fail(
      error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown',
    );
  }
}

function counters(): TrafficCounters {
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  return {
    sent,
    succeeded,
    failed,
    inFlight: sent - succeeded - failed,
    failures: Object.fromEntries(failures),
  };
}

const startedAt = performance.now();
const inFlight = new Set<Promise<void>>();
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) / 1000) * plan.requestsPerSecond);
  while (!stopping && sent < due && sent < plan.maxRequests) {
    const request = one(sent);
    sent += 1;
    inFlight.add(request);
    void request.then(() => inFlight.delete(request));
  }
}, 5);

async function finish(): Promise<void> {
  if (stopping) return;
  stopping = true;
  clearInterval(timer);
  await Promise.all(inFlight);
  await pool.close();
  process.send?.(counters());
  process.disconnect();
}

process.on('message', (message) => {
  if (message === 'counters') process.send?.(counters());
  else void finish();
});
process.on('disconnect', () => {
  process.exit();
});
// A terminal's Ctrl-C reaches the whole group; the demo decides when its users leave.
process.on('SIGINT', () => undefined);
