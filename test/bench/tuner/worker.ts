/** A thread of the bench: one session after the other; starts a process for the peers when it first needs one. */
import { parentPort, workerData } from 'node:worker_threads';
import { methodNamed } from './methods/all.ts';
import type { MethodName } from './methods/all.ts';
import { startPeers } from './methods/peer.ts';
import type { PeerProcess } from './methods/peer.ts';
import { runMethod } from './run-method.ts';
import type { Outcome } from './run-method.ts';
import { simulatedStack } from './stacks/catalogue.ts';
import type { StackName } from './stacks/catalogue.ts';

export interface Task {
  readonly stack: StackName;
  readonly method: MethodName;
  readonly seed: number;
  readonly budgets: readonly number[];
}

export interface TaskDone {
  readonly task: Task;
  readonly outcomes?: readonly Outcome[];
  readonly error?: string;
}

/** What the thread is started with: the interpreter that has the peers' packages, if one is needed. */
export interface WorkerData {
  readonly python?: string;
}

const { python } = (workerData ?? {}) as WorkerData;
let peers: PeerProcess | undefined;

function peerProcess(): PeerProcess {
  if (python === undefined) throw new Error('no Python was installed for the peers');
  return (peers ??= startPeers(python));
}

async function run(task: Task): Promise<TaskDone> {
  try {
    const method = methodNamed(task.method, peerProcess);
    const stack = simulatedStack(task.stack);
    return { task, outcomes: await runMethod(stack, method, task.budgets, task.seed) };
  } catch (error) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { task, error: `${task.method} on ${task.stack}, seed ${task.seed}: ${said}` };
  }
}

parentPort?.on('message', (task: Task) => {
  void run(task).then((done) => {
    parentPort?.postMessage(done);
  });
});
