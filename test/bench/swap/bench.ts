/** `bench -- swap`: every way to put a configuration in force, and changes of weights, under load. */
import { loadavg } from 'node:os';
import { monotonicUs } from '../../../gate-service/src/load/monotonic.ts';
import type { Arm } from '../../../gate-service/src/platforms/platform.ts';
import { counterparts, type ConfigurationWay } from './configurations.ts';
import { explainFailures, listFailures } from './explain.ts';
import { measure } from './measure.ts';
import { readOptions, ROWS, type RowName, type SwapBenchOptions } from './options.ts';
import { summarize, type Row, type Through, type Way } from './row.ts';
import { openWorld, SERVICE, type World } from './world.ts';

/** Longer than any wait of the application and any stall that a swap may cause. */
const TIMEOUT_MS = 15_000;
/** The canary's share in turn: a promotion's steps, and back. */
const SHARES = [1, 5, 25, 50, 100, 50, 25, 5, 1, 0] as const;

interface Bench {
  readonly world: World;
  readonly options: SwapBenchOptions;
  readonly signal: AbortSignal;
}

/** Prints the result as the last line on standard output. @throws Error when a swap failed or the bench could not run */
export async function runSwapBench(args: readonly string[], signal: AbortSignal): Promise<void> {
  const options = readOptions(args);
  say(`starting a platform of its own (load average ${(loadavg()[0] ?? 0).toFixed(1)})`);
  const world = await openWorld({
    log: (message) => {
      if (options.verbose) say(`platform: ${message}`);
    },
    signal,
  });
  try {
    const rows = await measureRows({ world, options, signal });
    console.log(JSON.stringify({ bench: 'swap', rows }));
  } finally {
    say('ending the platform');
    await world.close();
  }
}

async function measureRows(bench: Bench): Promise<readonly Row[]> {
  const { world, options } = bench;
  const wanted = ROWS.filter((name) => options.only.length === 0 || options.only.includes(name));
  const rows: Row[] = [];
  const of = <Name extends RowName>(...names: Name[]): readonly Name[] =>
    names.filter((one) => wanted.includes(one));

  const proxied = of('route:proxy', 'graceful:proxy', 'replace:proxy', 'weights:proxy');
  if (proxied.length > 0) {
    const current = await deployCurrent(bench);
    for (const name of proxied) {
      rows.push(
        name === 'weights:proxy'
          ? await weights(bench, current)
          : await throughProxy(bench, current, wayOf(name)),
      );
    }
  }
  const direct = of('route:direct', 'graceful:direct');
  if (direct.length > 0) {
    say('bringing up a node that is asked directly');
    const arm = await world.deploy({ environment: 'staging', role: 'baseline', nodes: 1 });
    for (const name of direct) rows.push(await straight(bench, arm, wayOf(name)));
  }
  return rows;
}

async function deployCurrent({ world, signal }: Bench): Promise<Arm> {
  say('bringing up two production nodes');
  const arm = await world.deploy({ environment: 'production', role: 'current', nodes: 2 });
  const all = [{ armId: arm.id, weight: 100 }];
  await world.platform.routeProduction({ service: SERVICE.name, weights: all }, signal);
  return arm;
}

/** Both nodes of the arm, one after the other or side by side as the platform sees fit. */
async function throughProxy(bench: Bench, arm: Arm, way: ConfigurationWay): Promise<Row> {
  const { world, signal, options } = bench;
  const [stock, other] = counterparts(way, world.resources);
  return measured(bench, {
    way,
    through: 'proxy',
    swaps: options.swaps,
    port: world.platform.entryPoint('production').port,
    swap: async (number) => {
      const report = await world.platform.apply(arm.id, number % 2 === 0 ? other : stock, signal);
      requireWay(way, report.ways);
    },
    // The next row begins with stock.
    after: () => world.platform.apply(arm.id, stock, signal),
  });
}

/** One node, which stays in use: nobody drains it and nobody repeats a request. */
async function straight(bench: Bench, arm: Arm, way: ConfigurationWay): Promise<Row> {
  const { world, signal, options } = bench;
  const [stock, other] = counterparts(way, world.resources);
  const { agent, port } = await world.onlyNode(arm);
  return measured(bench, {
    way,
    through: 'direct',
    swaps: options.swaps,
    port,
    swap: async (number) => {
      const { values } = number % 2 === 0 ? other : stock;
      requireWay(way, [(await agent.configure({ ...values }, signal)).way]);
    },
    after: () => agent.configure({ ...stock.values }, signal),
  });
}

async function weights(bench: Bench, current: Arm): Promise<Row> {
  const { world, signal, options } = bench;
  const { platform } = world;
  say('bringing up two canary nodes');
  const canary = await world.deploy({ environment: 'production', role: 'canary', nodes: 2 });
  const route = (share: number): Promise<void> =>
    platform.routeProduction(
      {
        service: SERVICE.name,
        weights: [
          { armId: current.id, weight: 100 - share },
          { armId: canary.id, weight: share },
        ],
      },
      signal,
    );
  return measured(bench, {
    way: 'weights',
    through: 'proxy',
    swaps: options.weightChanges,
    port: platform.entryPoint('production').port,
    swap: (number) => route(SHARES[number % SHARES.length] ?? 0),
    after: async () => {
      await route(0);
      await platform.remove(canary.id, signal);
    },
  });
}

interface RowPlan {
  readonly way: Way;
  readonly through: Through;
  readonly swaps: number;
  readonly port: number;
  readonly swap: (number: number) => Promise<unknown>;
  /** Without load again, for the next row. */
  readonly after: () => Promise<unknown>;
}

async function measured({ options, signal }: Bench, plan: RowPlan): Promise<Row> {
  const { way, through } = plan;
  const tell = (message: string): void => {
    say(`${way} ${through}: ${message}`);
  };
  const load = {
    port: plan.port,
    authority: SERVICE.host,
    perSecond: options.perSecond,
    seed: ROWS.findIndex((name) => name === `${way}:${through}`) + 1,
    timeoutMs: TIMEOUT_MS,
  };
  const { swaps, swap } = plan;
  const { windows, exchanges } = await measure({ load, swaps, swap, say: tell, signal });
  const row = summarize(way, through, windows, exchanges);
  if (options.verbose) {
    const clock = { monotonicUs: monotonicUs(), epochMs: Date.now() };
    for (const line of listFailures(windows, exchanges, clock)) tell(line);
  }
  for (const line of explainFailures(windows, exchanges)) tell(line);
  tell(
    `added at worst ${row.worstAddedMs} ms (quiet ${row.quietWorstMs}), p99 ${row.p99AddedMs} ms (quiet ${row.quietP99Ms}); the load's process was late by ${row.senderLagMs} ms at most`,
  );
  await plan.after();
  return row;
}

function requireWay(way: ConfigurationWay, taken: readonly string[]): void {
  if (taken.length === 1 && taken[0] === way) return;
  throw new Error(`The change was to be taken by ${way}, but it was by ${taken.join(', ')}.`);
}

function wayOf(name: Exclude<RowName, 'weights:proxy'>): ConfigurationWay {
  return name.split(':')[0] as ConfigurationWay;
}

function say(message: string): void {
  console.error(`bench swap: ${message}`);
}
