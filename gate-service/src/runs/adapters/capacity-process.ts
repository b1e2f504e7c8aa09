/** The closed-loop generator as a process of its own: it must share no event loop with the gate. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { CapacityMeter } from '../ports.ts';

const MAIN = fileURLToPath(new URL('./capacity-main.ts', import.meta.url));
/** On top of the seconds of a block: start, requests under way, end. */
const GRACE_MS = 30_000;

const readingSchema = z.object({
  completedPerSecond: z.number(),
  completed: z.number(),
  failed: z.number(),
  generatorCores: z.number(),
});

export const capacityProcess: CapacityMeter = {
  async measure(plan, signal) {
    signal.throwIfAborted();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(plan.seconds * 1000 + GRACE_MS)]);
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1' },
      signal: limited,
      killSignal: 'SIGKILL',
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    // Writing to a process that has died: its end says why.
    child.stdin.on('error', () => undefined);
    // It stays open: the generator ends when it closes, so that it never outlives the gate.
    child.stdin.write(`${JSON.stringify(plan)}\n`);
    try {
      const [output, words, code] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        ended,
      ]);
      if (code !== 0) throw new Error(`the load generator gave up: ${words.trim().slice(-2000)}`);
      return readingSchema.parse(JSON.parse(output));
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      child.stdin.destroy();
    }
  },
};
