/**
 * `npm run bench -- judge`: how often this judge and its peers are right on simulated traffic
 * (noise.ts, traffic.ts), p99 margin 5 %, 1,000 requests a second over both arms, at most 240 s. The
 * same seeds give the same table on every machine, whatever the number of threads.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { factors, noises, type NoiseName } from './noise.ts';
import type { GateAnswer } from './repetition.ts';
import { rowsOf, tableOf, type Row } from './rows.ts';
import type { Batch, BatchDone } from './worker.ts';

const USAGE =
  'npm run bench -- judge [--repetitions N] [--jobs N] [--only NOISE[:FACTOR],…]   e.g. --only moderate,harsh:1.1';
const BATCH = 10;
const PROGRESS_MS = 10_000;

interface Cell {
  readonly noise: NoiseName;
  readonly factor: number;
}

/** @throws Error on wrong options or when interrupted */
export async function runJudgeBench(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repetitions: { type: 'string', default: '500' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      only: { type: 'string' },
    },
  });
  const repetitions = count('--repetitions', values.repetitions, 1_000_000);
  const jobs = count('--jobs', values.jobs, 256);
  const cells = chosenCells(values.only);
  const batches = cells.flatMap((cell) =>
    Array.from({ length: Math.ceil(repetitions / BATCH) }, (_, batch): Batch => {
      const first = batch * BATCH + 1;
      const length = Math.min(BATCH, repetitions - batch * BATCH);
      return { ...cell, seeds: Array.from({ length }, (__, index) => first + index) };
    }),
  );
  console.error(`${cells.length} cells, ${repetitions} repetitions each, ${jobs} threads`);
  const answers = await runBatches(batches, jobs, signal);
  const rows = cells.flatMap(({ noise, factor }): readonly Row[] =>
    rowsOf(noise, factor, answers.get(keyOf({ noise, factor })) ?? []),
  );
  console.log(tableOf(rows));
  console.log(JSON.stringify({ bench: 'judge', rows }));
}

function chosenCells(only: string | undefined): Cell[] {
  const all = (Object.keys(noises) as NoiseName[]).flatMap((noise) =>
    factors.map((factor) => ({ noise, factor })),
  );
  if (only === undefined) return all;
  return only.split(',').flatMap((text) => {
    const [noise, factor] = text.trim().split(':');
    const chosen = all.filter(
      (cell) => cell.noise === noise && (factor === undefined || cell.factor === Number(factor)),
    );
    if (chosen.length === 0) {
      throw new Error(
        `--only: no cell "${text}"; noises: ${Object.keys(noises).join(', ')}; factors: ${factors.join(', ')}\n${USAGE}`,
      );
    }
    return chosen;
  });
}

function count(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(
      `${option}: expected a whole number from 1 to ${most}, got "${text}"\n${USAGE}`,
    );
  }
  return value;
}

function keyOf({ noise, factor }: Cell): string {
  return `${noise} ${factor}`;
}

/** Each thread takes the next batch when it has done one. */
async function runBatches(
  batches: readonly Batch[],
  jobs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, GateAnswer[]>> {
  const answers = new Map<string, GateAnswer[]>();
  const begun = performance.now();
  let next = 0;
  let done = 0;
  const tell = setInterval(() => {
    const seconds = (performance.now() - begun) / 1000;
    const left = done === 0 ? '?' : `${Math.ceil((seconds / done) * (batches.length - done))} s`;
    const now = batches[Math.min(next, batches.length) - 1];
    console.error(
      `  ${done} of ${batches.length} batches, ${left} left${now === undefined ? '' : `, at ${keyOf(now)}`}`,
    );
  }, PROGRESS_MS);
  const workers = Array.from(
    { length: Math.min(jobs, batches.length) },
    () => new Worker(new URL('./worker.ts', import.meta.url)),
  );
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = (): void => {
        const batch = batches[next];
        next += 1;
        if (batch === undefined) resolve();
        else worker.postMessage(batch);
      };
      worker.on('message', ({ batch, answers: own }: BatchDone) => {
        const key = keyOf(batch);
        answers.set(key, [...(answers.get(key) ?? []), ...own]);
        done += 1;
        give();
      });
      worker.on('error', reject);
      worker.on('exit', () => {
        reject(new Error('a thread of the bench ended early'));
      });
      signal.addEventListener('abort', () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error('interrupted'));
      });
      signal.throwIfAborted();
      give();
    });
  try {
    await Promise.all(workers.map(work));
    return answers;
  } finally {
    clearInterval(tell);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
