/**
 * `npm run bench -- tuner-real`: the tuner on real nodes, asked straight, from stock. Each workload is tuned
 * without memory, then once more with what the first session left and half of its evaluations; then
 * stock, hand-tuned and what was found are measured in turns on fresh nodes.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { openMemory } from '../../../gate-service/src/commands/tune/memory.ts';
import { loadComponents } from '../../../gate-service/src/settings/components.ts';
import type { Experience } from '../../../gate-service/src/optimizer/tuner.ts';
import { tunableSpace } from '../../../gate-service/src/stack/tunable-space.ts';
import { stockConfiguration } from '../../../gate-service/src/stack/stock.ts';
import { openWorld, type World } from '../swap/world.ts';
import { buildApplication } from './application.ts';
import { handTuned } from './configurations.ts';
import { compareFresh } from './final.ts';
import { loadNode } from './load.ts';
import type { Bench } from './measuring.ts';
import { createNodeBed, type NodeBed } from './nodes.ts';
import { readOptions, type TunerRealOptions } from './options.ts';
import { plotOf, type Panel } from './plot.ts';
import { goalsOf, rowOf, tableOf, wordingOf, type Row } from './rows.ts';
import { tuneOnNodes, type SessionResult } from './session.ts';
import type { BenchWorkload } from './workloads.ts';

const RECORDS = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'records');

interface Context {
  readonly options: TunerRealOptions;
  readonly world: World;
  readonly bed: NodeBed;
  readonly memory: string;
  readonly signal: AbortSignal;
}

/** Prints the result as the last line on standard output. @throws Error on wrong options, or when a workload cannot be measured */
export async function runTunerRealBench(
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const options = readOptions(args);
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-bench-tuner-real-'));
  try {
    const build = await buildApplication(loadComponents(), folder);
    say('starting a platform of its own');
    const world = await openWorld({
      log: (message) => {
        if (options.verbose) say(`platform: ${message}`);
      },
      signal,
    });
    try {
      const bed = createNodeBed(world, build, signal);
      const memory = options.memory ?? path.join(folder, 'memory');
      const context = { options, world, bed, memory, signal };
      const done: WorkloadDone[] = [];
      for (const workload of options.workloads) {
        const one = await runWorkload(context, workload);
        done.push(one);
        console.error(tableOf(one.rows));
      }
      await report(options, done);
    } finally {
      say('ending the platform');
      await world.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface WorkloadDone {
  readonly rows: readonly Row[];
  readonly panel: Panel;
}

async function runWorkload(context: Context, workload: BenchWorkload): Promise<WorkloadDone> {
  const { bed, memory, options, signal, world } = context;
  const { resources } = world;
  const bench: Bench = { bed, load: loadNode, workload, signal };
  const session = async (pass: Row['pass'], budget: number): Promise<SessionResult> => {
    const name = `${workload.name}, ${pass}`;
    say(`${name}: at most ${budget} evaluations`);
    const kept = openMemory(
      path.join(memory, workload.name.replaceAll(/[^a-z0-9]+/g, '-')),
      // Its knobs are the same in every situation; only what is legal differs.
      tunableSpace(stockConfiguration(resources), resources, { mesh: false }),
    );
    try {
      const result = await tuneOnNodes({
        ...bench,
        resources,
        budget,
        seconds: options.minutes * 60,
        seed: options.seed,
        recall: (): Experience | undefined => kept.content?.experience,
        say: (line) => {
          say(`${name}: ${line}`);
        },
      });
      const { experience } = result;
      kept.save({ experience });
      return result;
    } finally {
      kept.close();
    }
  };
  const first = await session('first', options.budget);
  const again = await session('memory', Math.max(2, Math.floor(first.points.length / 2)));
  say(`${workload.name}: stock, hand-tuned and found in turns`);
  const readings = await compareFresh(bench, {
    stock: stockConfiguration(resources),
    handTuned: handTuned(resources),
    first: first.best,
    memory: again.best,
  });
  const { stock, handTuned: hand } = readings;
  const rows = (['first', 'memory'] as const).map((pass) =>
    rowOf(
      workload,
      pass,
      { stock, handTuned: hand, found: readings[pass] },
      pass === 'first' ? first : again,
    ),
  );
  const panel: Panel = {
    workload: workload.name,
    objective: rows[0]?.objective ?? 'throughput',
    stock,
    handTuned: hand,
    sessions: [
      { pass: 'first', points: first.points },
      { pass: 'memory', points: again.points },
    ],
  };
  return { rows, panel };
}

async function report(options: TunerRealOptions, done: readonly WorkloadDone[]): Promise<void> {
  const rows = done.flatMap((one) => one.rows);
  const goals = goalsOf(options.workloads, rows);
  console.error(`${tableOf(rows)}\n${wordingOf(goals)}`);
  const result = {
    bench: 'tuner-real',
    machine: { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' },
    goals,
    rows,
  };
  const plot = plotOf(done.map(({ panel }) => panel));
  const trajectories = done.map(({ panel }) => panel);
  for (const folder of [options.record ? RECORDS : undefined, options.out]) {
    if (folder === undefined) continue;
    await mkdir(folder, { recursive: true });
    const command = `npm run bench -- tuner-real --budget ${options.budget} --minutes ${options.minutes} --seed ${options.seed}`;
    const measured = new Date().toISOString().slice(0, 10);
    const text = JSON.stringify({ measured, command, ...result, trajectories }, undefined, 2);
    await writeFile(path.join(folder, 'tuner-real.json'), `${text}\n`);
    await writeFile(path.join(folder, 'tuner-real.svg'), plot);
  }
  console.log(JSON.stringify(result));
}

function say(line: string): void {
  console.error(`bench tuner-real: ${line}`);
}
