/** A thread of the bench: pushes builds of one cell past the gates, so many at a time. */
import { parentPort } from 'node:worker_threads';
import type { NoiseName } from './noise.ts';
import { pushOnce, type GateAnswer } from './repetition.ts';

export interface Batch {
  readonly noise: NoiseName;
  readonly factor: number;
  readonly seeds: readonly number[];
}

export interface BatchDone {
  readonly batch: Batch;
  readonly answers: readonly GateAnswer[];
}

parentPort?.on('message', (batch: Batch) => {
  const answers = batch.seeds.flatMap((seed) => pushOnce(batch.noise, batch.factor, seed));
  const done: BatchDone = { batch, answers };
  parentPort?.postMessage(done);
});
