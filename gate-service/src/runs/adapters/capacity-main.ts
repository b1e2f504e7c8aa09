/** The generator's process: one plan on standard input, one reading on standard output. */
import { createInterface } from 'node:readline';
import { capacity, type CapacityPlan } from '../../load/closed-loop.ts';

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => {
  // Its starter is gone: nobody wants the answer any more.
  lines.once('close', () => process.exit(1));
  measure(line).then(
    (answer) => process.stdout.write(answer, () => process.exit(0)),
    (error: unknown) => {
      const words = error instanceof Error ? error.message : String(error);
      process.stderr.write(words, () => process.exit(1));
    },
  );
});

async function measure(line: string): Promise<string> {
  const plan = JSON.parse(line) as Omit<CapacityPlan, 'signal'>;
  const before = process.cpuUsage();
  const { completed, completedPerSecond, failed, seconds } = await capacity({
    ...plan,
    signal: new AbortController().signal,
  });
  const { system, user } = process.cpuUsage(before);
  const generatorCores = (user + system) / 1e6 / seconds;
  return JSON.stringify({ completed, completedPerSecond, failed, generatorCores });
}
