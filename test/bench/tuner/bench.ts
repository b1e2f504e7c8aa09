/**
 * `npm run bench -- tuner`: this tuner, cold and warm, random search and peers from their own packages on
 * simulated stacks (stacks/catalogue.ts) at equal budgets. All start at the expert's configuration, see the
 * same noise, and are judged by the true value of the configuration that they answer. The same seeds give
 * the same rows, whatever the number of threads.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { goalsOf, wordingOf } from './goals.ts';
import { isPeer } from './methods/all.ts';
import { parseOptions } from './options.ts';
import type { Options } from './options.ts';
import { installPeers } from './peers/install.ts';
import { rowOf, tableOf } from './rows.ts';
import type { Row } from './rows.ts';
import type { Outcome } from './run-method.ts';
import { openSessionsFile, sameTask } from './sessions-file.ts';
import type { SessionsFile } from './sessions-file.ts';
import type { Task, TaskDone, WorkerData } from './worker.ts';

const RECORD = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'records', 'tuner.json');
const PROGRESS_MS = 10_000;

/** @throws Error on wrong options, when a method fails, or when interrupted */
export async function runTunerBench(args: readonly string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  const python = options.methods.some(isPeer) ? await installPeers() : undefined;
  const file =
    options.sessions === undefined ? undefined : await openSessionsFile(options.sessions);
  const before = file?.done ?? [];
  const all = tasksOf(options);
  const isDone = (task: Task): boolean => before.some((one) => sameTask(one.task, task));
  const tasks = all.filter((task) => !isDone(task));
  console.error(`${tasks.length} of ${all.length} sessions are to be run, ${options.jobs} threads`);
  const run = await runTasks(
    tasks,
    { jobs: options.jobs, workerData: python === undefined ? {} : { python }, file },
    signal,
  );
  const done = [...before, ...run].filter(({ task }) => all.some((one) => sameTask(one, task)));
  const rows = rowsOf(options, done);
  const goals = goalsOf(rows);
  console.error(`${tableOf(rows)}\n${wordingOf(goals)}`);
  const result = { bench: 'tuner', goals, rows };
  if (options.record) {
    const measured = new Date().toISOString().slice(0, 10);
    const command = ['npm run bench -- tuner', ...args].join(' ');
    await writeFile(RECORD, `${JSON.stringify({ measured, command, ...result }, undefined, 1)}\n`);
  }
  console.log(JSON.stringify(result));
}

/** The slow ones first, so that no thread is left with one at the end. */
function tasksOf({ stacks, methods, seeds, budgets }: Options): Task[] {
  return methods.flatMap((method) =>
    stacks.flatMap((stack) =>
      Array.from({ length: seeds }, (_, index): Task => ({
        stack,
        method,
        seed: index + 1,
        budgets,
      })),
    ),
  );
}

function rowsOf({ stacks, methods, budgets }: Options, done: readonly TaskDone[]): Row[] {
  return stacks.flatMap((stack) =>
    methods.flatMap((method) =>
      budgets.map((budget) => {
        const outcomes = done
          .filter(({ task }) => task.stack === stack && task.method === method)
          .flatMap((one): readonly Outcome[] => one.outcomes ?? [])
          .filter((outcome) => outcome.budget === budget);
        return rowOf(stack, method, budget, outcomes);
      }),
    ),
  );
}

/** Each thread takes the next task when it has done one. */
async function runTasks(
  tasks: readonly Task[],
  {
    jobs,
    workerData,
    file,
  }: {
    readonly jobs: number;
    readonly workerData: WorkerData;
    readonly file: SessionsFile | undefined;
  },
  signal: AbortSignal,
): Promise<TaskDone[]> {
  const done: TaskDone[] = [];
  const begun = performance.now();
  let next = 0;
  let writing = Promise.resolve();
  const tell = setInterval(() => {
    const seconds = (performance.now() - begun) / 1000;
    const now = tasks[Math.min(next, tasks.length) - 1];
    console.error(
      `  ${done.length} of ${tasks.length} sessions in ${Math.round(seconds)} s${now === undefined ? '' : `, at ${now.method} on ${now.stack}`}`,
    );
  }, PROGRESS_MS);
  const workers = Array.from(
    { length: Math.min(jobs, tasks.length) },
    () => new Worker(new URL('./worker.ts', import.meta.url), { workerData }),
  );
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = (): void => {
        const task = tasks[next];
        next += 1;
        if (task === undefined) resolve();
        else worker.postMessage(task);
      };
      worker.on('message', (one: TaskDone) => {
        if (one.error !== undefined) {
          reject(new Error(one.error));
          return;
        }
        done.push(one);
        writing = writing.then(() => file?.add(one));
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
    await writing;
    return done;
  } finally {
    clearInterval(tell);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
