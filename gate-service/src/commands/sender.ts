/**
 * The sender process. Standard input: the measurement plan as one line of JSON, then at most commands,
 * one a line (`stop`, `seen WINDOW WANTED`, `plant MILLISECONDS [half]`). It stays open as long as somebody wants the samples: when it closes, the starter
 * is gone and the sender ends at once. Standard output: samples (docs/samples.md).
 *
 * With `--listen [HOST:]PORT` it is one of several workers: plan, orders and samples go over the first connection
 * that shows the token whose SHA-256 is in the environment.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { parseMeasurementPlan } from '../load/plan.ts';
import { Session } from '../load/session.ts';
import { serveWorker } from '../load/workers/serve-worker.ts';

/** A counted window's number, and how many windows are wanted in all. */
const SEEN = /^seen (\d{1,6}) (\d{1,6})$/;
/** The delay that the proxy has for the planted block. */
const PLANT = /^plant (\d{1,5}(?:\.\d{1,6})?)( half)?$/;

/** Ends the process with 0 after the last window, a `stop` or SIGTERM; with 1 after a failure, which is said on standard error. */
export async function sender(args: readonly string[]): Promise<void> {
  if (args.length === 0) {
    await runSender();
    return;
  }
  const { values } = parseArgs({ args: [...args], options: { listen: { type: 'string' } } });
  await runWorker(values.listen ?? '', process.env);
}

/** For the gate to connect: its deadline for workers that come up is shorter. */
const WAIT_SECONDS = 600;

/** Ends the process, too: nothing of a measurement whose gate is gone may go on. */
async function runWorker(listen: string, env: NodeJS.ProcessEnv): Promise<void> {
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(listen) ?? [];
  const tokenSha256 = env.SPEED_GATE_SENDER_TOKEN_SHA256 ?? '';
  if (port === undefined) throw new Error('sender --listen takes PORT or HOST:PORT, such as 9092');
  if (!/^[0-9a-f]{64}$/.test(tokenSha256)) {
    throw new Error(
      'SPEED_GATE_SENDER_TOKEN_SHA256 must be the SHA-256, in hex, of the token of who may say what is sent',
    );
  }
  process.once('SIGTERM', () => process.exit(143));
  try {
    await serveWorker({
      host: host?.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port),
      tokenSha256,
      waitSeconds: WAIT_SECONDS,
      listening: (bound) => {
        process.stdout.write(`speed-gate sender listens on port ${bound}\n`);
      },
    });
  } catch (error) {
    process.stderr.write(
      `speed-gate sender: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  }
  process.exit(0);
}

/** Reads the plan and sends it. Rejects when it is not usable or the target is not there. */
export async function runSender(): Promise<void> {
  // The starter is gone: nobody would read, nobody should be sent anything.
  process.stdout.on('error', () => process.exit(1));
  const lines = createInterface({ input: process.stdin });
  const first = Promise.withResolvers<string>();
  const running: { session?: Session; stop: boolean } = { stop: false };
  let planRead = false;
  lines.on('line', (line) => {
    if (!planRead) {
      planRead = true;
      first.resolve(line);
    } else if (line.trim() === 'stop') {
      running.stop = true;
      running.session?.stop();
    } else {
      const seen = SEEN.exec(line.trim());
      if (seen !== null) running.session?.seen(Number(seen[1]), Number(seen[2]));
      const plant = PLANT.exec(line.trim());
      if (plant !== null)
        running.session?.plant({ delayMs: Number(plant[1]), half: plant[2] !== undefined });
    }
  });
  let done = false;
  lines.on('close', () => {
    if (!planRead) first.reject(new Error('standard input ended before the measurement plan'));
    else if (!done) process.exit(1);
  });
  try {
    const plan = parseMeasurementPlan(await first.promise);
    const session = new Session(plan, (text) => process.stdout.write(text));
    running.session = session;
    if (running.stop) session.stop();
    process.once('SIGTERM', () => {
      session.terminate();
    });
    await session.run();
  } finally {
    // Also after a failure: open standard input would keep the process alive.
    done = true;
    lines.close();
    process.stdin.destroy();
  }
}
