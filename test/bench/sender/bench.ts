/**
 * Our sender beside autocannon and vegeta, against a server whose latencies are known: whether a tool says
 * what is true, also when the server stands still for a second, how late it sends, and what it costs.
 */
import { cpus } from 'node:os';
import { nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import { defaultFitnessLimits } from '../../../gate-service/src/judge/fitness.ts';
import { autocannonTool } from './autocannon.ts';
import { readOptions } from './options.ts';
import { latenessUs } from './schedule.ts';
import { speedGateSender } from './speed-gate-sender.ts';
import { KnownServer } from './target.ts';
import { FIRST_SECONDS, type Tool } from './tool.ts';
import { relativeError, trueLatencies, type Distribution } from './truth.ts';
import { watchUsage } from './usage.ts';
import { installVegeta, vegetaTool } from './vegeta.ts';

/** 99 % are below 64 ms: a service that waits for others, as most do. */
const DISTRIBUTION: Distribution = { medianMs: 20, sigma: 0.5 };
/** Enough for what comes due during the stall. */
const CONNECTIONS = 2048;
/** Strangers that use no more than this are no reason to try again. */
const QUIET_CORES = 0.25;
/** The judge's own limit. */
const MOST_UNFIT = defaultFitnessLimits.droppedShare;
const SEED = 20_261_121;

interface Phase {
  readonly name: 'steady' | 'stall' | 'fast' | 'idle';
  readonly perSecond: number;
  readonly stall: boolean;
  readonly onlyOurs: boolean;
}

const PHASES: readonly Phase[] = [
  { name: 'steady', perSecond: 1000, stall: false, onlyOurs: false },
  { name: 'stall', perSecond: 1000, stall: true, onlyOurs: false },
  { name: 'fast', perSecond: 5000, stall: false, onlyOurs: false },
  { name: 'idle', perSecond: 200, stall: false, onlyOurs: true },
];

interface Row {
  readonly tool: string;
  readonly phase: Phase['name'];
  readonly perSecond: number;
  readonly achievedPerSecond?: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly trueP50Ms: number;
  readonly trueP99Ms: number;
  /** 0.05 is 5 % too high. */
  readonly p50Error: number;
  readonly p99Error: number;
  /** Seen by the server; meaningless when it stood still. */
  readonly latenessP50Us?: number;
  readonly latenessP99Us?: number;
  readonly ownLatenessP99Us?: number;
  readonly cpuSecondsPer1000?: number;
  readonly cores?: number;
  readonly readerCores?: number;
  readonly foreignCores?: number;
  readonly attempts?: number;
  readonly unfitWindows?: number;
  readonly windows?: number;
  /** Of the windows that the gate would count; absent where it would call the measurement invalid. */
  readonly countedP50Error?: number;
  readonly countedP99Error?: number;
}

/** Last line: one row per tool and phase. */
export async function runSenderBench(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { attempts, seconds } = readOptions(args);
  const missing: string[] = [];
  const tools: Tool[] = [speedGateSender, autocannonTool('as-is'), autocannonTool('raw')];
  try {
    tools.push(vegetaTool(await installVegeta()));
  } catch (error) {
    // The bench is worth its time without it.
    missing.push(`vegeta: ${error instanceof Error ? error.message : String(error)}`);
    console.error(`bench sender: goes on without ${missing.join()}`);
  }
  const server = await KnownServer.start();
  const rows: Row[] = [];
  try {
    for (const phase of PHASES) {
      for (const tool of phase.onlyOurs ? [speedGateSender] : tools) {
        const once = () => measure(server, tool, phase, seconds, signal);
        const row = await leastDisturbed(once, attempts);
        rows.push(row);
        console.error(describe(row));
      }
    }
  } finally {
    await server.close();
  }
  console.log(
    JSON.stringify({
      bench: 'sender',
      machine: { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' },
      seconds,
      distribution: DISTRIBUTION,
      ...(missing.length === 0 ? {} : { missing }),
      rows,
    }),
  );
}

/** Decided by what strangers used, without a look at what the tool said. */
async function leastDisturbed(once: () => Promise<Row>, attempts: number): Promise<Row> {
  let best: Row | undefined;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const row = await once();
    if (disturbance(row) < disturbance(best)) best = row;
    if (disturbance(row) <= QUIET_CORES) return { ...row, attempts: attempt };
    best ??= row;
  }
  if (best === undefined) throw new Error('a load is tried at least once');
  return { ...best, attempts };
}

function disturbance(row: Row | undefined): number {
  return row?.foreignCores ?? Infinity;
}

async function measure(
  server: KnownServer,
  tool: Tool,
  { name, perSecond, stall }: Phase,
  seconds: number,
  signal: AbortSignal,
): Promise<Row> {
  signal.throwIfAborted();
  const stallAfterMs = (FIRST_SECONDS + seconds / 2) * 1000;
  await server.begin({
    seed: SEED,
    distribution: DISTRIBUTION,
    ...(stall ? { stallAfterMs } : {}),
  });
  const whole = FIRST_SECONDS + seconds;
  let over = false;
  const running = tool
    .run({ port: server.port, perSecond, seconds: whole, connections: CONNECTIONS, signal })
    .finally(() => (over = true));
  // A failure is reported by `running`, below; the watch ends by itself then.
  const [usage, result] = await Promise.all([watchUsage(server, whole, () => over), running]);
  const report = await server.end();
  const { firstUs = 0 } = report;
  const since = (atUs: number): number => atUs - firstUs - FIRST_SECONDS * 1e6;
  const truth = trueLatencies(
    report.serviceUs,
    seconds * 1e6,
    report.stall && { fromUs: since(report.stall.fromUs), toUs: since(report.stall.toUs) },
  );
  const [trueP50, trueP99] = [nearestRank(truth, 0.5), nearestRank(truth, 0.99)];
  const late = stall ? undefined : latenessUs(report.arrivedUs, result.intendedUs, perSecond);
  const { counted, failed, ownLatenessP99Us, p50Us, p99Us, unfitWindows = 0, windows } = result;
  return {
    tool: tool.name,
    phase: name,
    perSecond,
    ...(usage === undefined ? {} : { achievedPerSecond: rounded(usage.requestsPerSecond, 1) }),
    requests: report.requests,
    failed,
    p50Ms: rounded(p50Us / 1000, 2),
    p99Ms: rounded(p99Us / 1000, 2),
    trueP50Ms: rounded(trueP50 / 1000, 2),
    trueP99Ms: rounded(trueP99 / 1000, 2),
    p50Error: rounded(relativeError(p50Us, trueP50), 4),
    p99Error: rounded(relativeError(p99Us, trueP99), 4),
    ...(late === undefined
      ? {}
      : {
          latenessP50Us: Math.round(nearestRank(late, 0.5)),
          latenessP99Us: Math.round(nearestRank(late, 0.99)),
        }),
    ...(ownLatenessP99Us === undefined ? {} : { ownLatenessP99Us }),
    ...(usage === undefined
      ? {}
      : {
          cpuSecondsPer1000: rounded(usage.cpuSecondsPer1000, 4),
          cores: rounded(usage.cores, 3),
          readerCores: rounded(usage.readerCores, 3),
          foreignCores: rounded(usage.foreignCores, 2),
        }),
    ...(windows === undefined ? {} : { unfitWindows, windows }),
    ...(counted === undefined || windows === undefined || unfitWindows > MOST_UNFIT * windows
      ? {}
      : {
          countedP50Error: rounded(relativeError(counted.p50Us, trueP50), 4),
          countedP99Error: rounded(relativeError(counted.p99Us, trueP99), 4),
        }),
  };
}

function describe(row: Row): string {
  const percent = (share: number): string => `${share < 0 ? '' : '+'}${(share * 100).toFixed(1)} %`;
  const cost =
    row.cores === undefined
      ? ''
      : `, ${row.cores.toFixed(2)} cores at ${String(row.achievedPerSecond)}/s, strangers ${String(row.foreignCores)}`;
  const fit =
    row.windows === undefined ? '' : `, ${row.unfitWindows ?? 0} of ${row.windows} windows unfit`;
  return `${row.phase.padEnd(6)} ${row.tool.padEnd(14)} p50 ${row.p50Ms} ms (${percent(row.p50Error)}), p99 ${row.p99Ms} ms (${percent(row.p99Error)})${cost}${fit}`;
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
