/** The sender as a process: it must never go on sending for nobody, and never end without a word. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unfitReason } from '../../gate-service/src/judge/fitness.ts';
import { ChildSender } from '../../gate-service/src/load/child-sender.ts';
import { readSampleFile } from '../../gate-service/src/load/sample-file.ts';
import { allStats } from '../../gate-service/src/processes/proc-stat.ts';
import {
  answerAfter,
  Listener,
  planFor,
  startTarget,
  until,
  type Target,
} from './sender-fixture.ts';

const MAIN = fileURLToPath(new URL('../../gate-service/src/main.ts', import.meta.url));

let folder: string;
let target: Target;
const children: ChildProcessWithoutNullStreams[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sender-process-'));
  target = await startTarget((_seen, response) => {
    answerAfter(response, 5);
  });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await target.close();
  await rm(folder, { recursive: true });
});

function start(): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [MAIN, 'sender']);
  children.push(child);
  return child;
}

const senders = (): number[] =>
  allStats()
    .filter(({ parent, zombie }) => parent === process.pid && !zombie)
    .map(({ pid }) => pid)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0sender'));

describe('the process', () => {
  it('ends at once when its starter closes standard input, in the middle of sending', async () => {
    const child = start();
    const before = target.seen.length;
    child.stdin.write(`${JSON.stringify(planFor(target.port, { windows: 1000 }))}\n`);
    child.stdout.resume();
    await until(() => target.seen.length > before, 'the target is asked');
    child.stdin.end();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(1);
  });

  it('ends when its starter is killed', async () => {
    // A starter of its own, which can be killed: it starts the sender as ChildSender does and waits.
    const script = join(folder, 'starter.mjs');
    const plan = JSON.stringify(planFor(target.port, { windows: 1000 }));
    await writeFile(
      script,
      `import { spawn } from 'node:child_process';
       const child = spawn(process.execPath, [${JSON.stringify(MAIN)}, 'sender'], { stdio: ['pipe', 'pipe', 'inherit'] });
       child.stdin.write(${JSON.stringify(`${plan}\n`)});
       child.stdout.resume();
       console.log(child.pid);`,
    );
    const starter = spawn(process.execPath, [script]);
    children.push(starter);
    const before = target.seen.length;
    const [pidText] = (await once(starter.stdout, 'data')) as [Buffer];
    const pid = Number(pidText.toString());
    await until(() => target.seen.length > before, 'the target is asked');
    starter.kill('SIGKILL');
    await until(() => !allStats().some((stat) => stat.pid === pid && !stat.zombie), 'it is gone');
  });

  it('finishes what is under way on SIGTERM and writes its counters', async () => {
    const child = start();
    const before = target.seen.length;
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stdin.write(`${JSON.stringify(planFor(target.port, { windows: 1000 }))}\n`);
    await until(() => target.seen.length > before + 20, 'the target is asked');
    child.kill('SIGTERM');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
    const file = join(folder, 'terminated.csv');
    await writeFile(file, output);
    const { counters, ended, samples } = await readSampleFile(file);
    expect(ended).toBe('terminated');
    expect(counters).toMatchObject({ sent: samples.length, received: samples.length, inFlight: 0 });
    expect(target.seen.length - before).toBe(samples.length);
  });

  it.each([
    ['no plan', '', 'ended before the measurement plan'],
    ['no JSON', 'windows: 3\n', 'the measurement plan is not JSON'],
    ['an unusable plan', '{}\n', 'the measurement plan is not usable: target'],
  ])('says what is wrong with %s', async (_what, input, problem) => {
    const child = start();
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    if (input === '') child.stdin.end();
    else child.stdin.write(input);
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(errors).toContain(problem);
    expect(errors).not.toContain('    at ');
  });
});

describe('ChildSender', () => {
  it('says that the sender was killed and leaves a file that can be read', async () => {
    const file = join(folder, 'killed.csv.gz');
    const listener = new Listener();
    const measuring = new ChildSender().measure(
      planFor(target.port, { windows: 1000 }),
      file,
      listener,
      new AbortController().signal,
    );
    await until(() => listener.reports.length > 0, 'a window is reported');
    const [pid, ...others] = senders();
    expect(others).toEqual([]);
    process.kill(pid!, 'SIGKILL');
    await expect(measuring).rejects.toThrow('the sender was killed (SIGKILL)');
    const measurement = await readSampleFile(file);
    expect(measurement.ended).toBe('failed');
    expect(measurement.counters).toBeUndefined();
    expect(measurement.samples.length).toBeGreaterThanOrEqual(listener.reports[0]!.samples.length);
  });

  it('counts latency from the intended time when it was the sender itself that stood still', async () => {
    const file = join(folder, 'stopped.csv.gz');
    const listener = new Listener();
    const measuring = new ChildSender().measure(
      planFor(target.port, { windows: 5, ownPids: [process.pid] }),
      file,
      listener,
      new AbortController().signal,
    );
    await until(() => listener.reports.length > 0, 'a window is reported');
    const [pid] = senders();
    process.kill(pid!, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 600));
    process.kill(pid!, 'SIGCONT');
    await measuring;
    const { samples, fitness } = await readSampleFile(file);
    // Everything due in the 600 ms was late, evenly spread; the target answers in some milliseconds.
    const late = samples.filter(({ latencyUs }) => latencyUs > 300_000).length;
    expect(late).toBeGreaterThan(20);
    expect(Math.max(...fitness.map(({ latenessP99Us }) => latenessP99Us))).toBeGreaterThan(300_000);
    expect(samples.length).toBeGreaterThan(300);
    // It is the sender that is unfit, not the service that is slow.
    const late300 = fitness.filter(({ latenessP99Us }) => latenessP99Us > 300_000);
    expect(late300.every((window) => unfitReason(window)?.includes('ms late'))).toBe(true);
  });

  it('leaves no sender behind when the listener fails', async () => {
    const failing = {
      window: () => {
        throw new Error('the listener failed');
      },
      stopRequested: () => false,
    };
    const measuring = new ChildSender().measure(
      planFor(target.port, { windows: 1000 }),
      join(folder, 'listener.csv.gz'),
      failing,
      new AbortController().signal,
    );
    await expect(measuring).rejects.toThrow('the listener failed');
    expect(senders()).toEqual([]);
  });

  it('says that the file cannot be written, and sends no more', async () => {
    const measuring = new ChildSender().measure(
      planFor(target.port, { windows: 1000 }),
      join(folder, 'no-such-folder', 'x.csv.gz'),
      new Listener(),
      new AbortController().signal,
    );
    await expect(measuring).rejects.toThrow(/x\.csv\.gz: there is no such/);
    expect(senders()).toEqual([]);
  });

  it('does not start at all when it is aborted already', async () => {
    const before = target.seen.length;
    const measuring = new ChildSender().measure(
      planFor(target.port),
      join(folder, 'never.csv.gz'),
      new Listener(),
      AbortSignal.abort(new Error('too late')),
    );
    await expect(measuring).rejects.toThrow('too late');
    expect(target.seen.length).toBe(before);
  });

  it('says that the program is missing', async () => {
    const measuring = new ChildSender({ command: ['/no/such/program'] }).measure(
      planFor(target.port),
      join(folder, 'missing.csv.gz'),
      new Listener(),
      new AbortController().signal,
    );
    await expect(measuring).rejects.toThrow(/could not be started: .*ENOENT/);
  });
});
