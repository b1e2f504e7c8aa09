import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  groupMembers,
  isRunning,
  startDetached,
  stopProcess,
  usageOf,
} from './detached-process.ts';
import { freePorts, isPortFree } from './free-port.ts';
import { tailOf } from './log-tail.ts';
import { parseStat } from './proc-stat.ts';
import { readProcessRecord, writeProcessRecord, type ProcessRecord } from './process-record.ts';

let folder: string;
let started: ProcessRecord[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'processes-'));
  started = [];
});

afterEach(async () => {
  for (const record of started) await stopProcess(record, { signal: 'SIGKILL', graceMs: 2000 });
  await rm(folder, { recursive: true, force: true });
});

async function shell(script: string, onExit?: (exit: { code: number | null }) => void) {
  const record = await startDetached({
    command: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    logFile: join(folder, 'logs', 'shell.log'),
    ...(onExit && { onExit }),
  });
  started.push(record);
  return record;
}

describe('detached processes', () => {
  test('lead their own group, write to the log and end with their children', async () => {
    const record = await shell('echo hello; sleep 600 & sleep 600 & wait');
    await vi.waitFor(
      () => {
        expect(groupMembers(record)).toHaveLength(3);
      },
      { timeout: 30_000 },
    );
    expect(isRunning(record)).toBe(true);
    expect(await tailOf(join(folder, 'logs', 'shell.log'), 5)).toBe('hello');
    expect(await stopProcess(record, { signal: 'SIGTERM', graceMs: 5000 })).toBe('ended');
    expect(groupMembers(record)).toEqual([]);
    expect(await stopProcess(record, { signal: 'SIGTERM', graceMs: 5000 })).toBe('already-gone');
  });

  test('are killed when they do not heed the signal', async () => {
    const record = await shell("trap '' TERM; echo ready; while :; do sleep 600; done");
    await vi.waitFor(
      async () => {
        expect(await tailOf(join(folder, 'logs', 'shell.log'), 1)).toBe('ready');
      },
      { timeout: 30_000 },
    );
    expect(await stopProcess(record, { signal: 'SIGTERM', graceMs: 100 })).toBe('killed');
    expect(isRunning(record)).toBe(false);
  });

  test('orphans of a killed leader are found and ended', async () => {
    const record = await shell('sleep 600 & sleep 600');
    await vi.waitFor(
      () => {
        expect(groupMembers(record).length).toBeGreaterThan(1);
      },
      { timeout: 30_000 },
    );
    process.kill(record.pid, 'SIGKILL');
    await vi.waitFor(
      () => {
        expect(isRunning(record)).toBe(false);
      },
      { timeout: 30_000 },
    );
    expect(groupMembers(record).length).toBeGreaterThan(0);
    await stopProcess(record, { signal: 'SIGTERM', graceMs: 5000, target: 'leader' });
    expect(groupMembers(record)).toEqual([]);
  });

  test('run until their last thread is gone, and with it their port is free', async () => {
    // Memory and threads make the end of a killed process long enough to be looked at.
    const server = `
      const { Worker } = require('node:worker_threads');
      globalThis.held = Array.from({ length: 100 }, () => Buffer.alloc(1 << 20, 1));
      for (let i = 0; i < 4; i += 1) new Worker('setInterval(() => {}, 1000)', { eval: true });
      require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1', () => console.log('ready'));
      setInterval(() => {}, 1000);`;
    const [port] = await freePorts(1);
    const listening = `0100007F:${port!.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
    const isListening = () => readFileSync('/proc/net/tcp', 'utf8').includes(listening);
    for (let round = 1; round <= 5; round += 1) {
      const logFile = join(folder, `${round}.log`);
      const args = ['-e', server, String(port)];
      const record = await startDetached({ command: process.execPath, args, cwd: folder, logFile });
      started.push(record);
      await vi.waitFor(
        async () => {
          expect(await tailOf(logFile, 1)).toBe('ready');
        },
        { timeout: 20_000 },
      );
      expect(isListening()).toBe(true);
      process.kill(record.pid, 'SIGKILL');
      // Without a pause: the moment in question is shorter than a turn of the event loop.
      while (isRunning(record));
      expect(isListening(), `round ${round}`).toBe(false);
    }
  }, 60_000);

  test('tell their exit code while the starter lives', async () => {
    const onExit = vi.fn();
    const record = await shell('exit 7', onExit);
    await vi.waitFor(
      () => {
        expect(onExit).toHaveBeenCalledWith({ code: 7, signal: null });
      },
      { timeout: 30_000 },
    );
    expect(isRunning(record)).toBe(false);
    expect(usageOf(record)).toBeUndefined();
  });

  test('a reused pid or another boot is not the process and is never signalled', async () => {
    const record = await shell('sleep 600');
    for (const stranger of [
      { ...record, startTime: record.startTime - 1 },
      { ...record, bootId: 'another' },
    ]) {
      expect(isRunning(stranger)).toBe(false);
      expect(await stopProcess(stranger, { signal: 'SIGKILL', graceMs: 100 })).toBe('already-gone');
    }
    expect(isRunning(record)).toBe(true);
  });

  test('count the CPU of children, ended ones too', async () => {
    const burn = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';
    const record = await shell(`sh -c '${burn}'; echo done; sleep 600`);
    await vi.waitFor(
      async () => {
        expect(await tailOf(join(folder, 'logs', 'shell.log'), 1)).toBe('done');
      },
      { timeout: 20_000 },
    );
    const usage = usageOf(record);
    expect(usage!.cpuSeconds).toBeGreaterThan(0.02);
    expect(usage!.residentMiB).toBeGreaterThan(0.3);
  }, 30_000);

  test('a command that does not exist is a clear error', async () => {
    await expect(
      startDetached({
        command: '/no/such/command',
        args: [],
        cwd: folder,
        logFile: join(folder, 'a.log'),
      }),
    ).rejects.toThrow(/cannot start \/no\/such\/command .*ENOENT/);
  });
});

describe('process records', () => {
  test('round trip; a missing file is undefined, a damaged one an error that names it', async () => {
    const file = join(folder, 'state', 'httpd.json');
    expect(await readProcessRecord(file)).toBeUndefined();
    const record = { pid: 42, startTime: 7, command: ['a', 'b c'], bootId: 'x' };
    await writeProcessRecord(file, record);
    expect(await readProcessRecord(file)).toEqual(record);
    await writeFile(file, '{"pid":');
    await expect(readProcessRecord(file)).rejects.toThrow(file);
  });
});

describe('/proc/PID/stat', () => {
  test('a name with spaces and parentheses does not shift the fields', () => {
    const stat = parseStat(
      '9 (a) b) R 1 8 7 0 -1 4194304 1 2 3 4 100 50 25 25 20 0 1 0 123456 1000 200',
    );
    expect(stat).toEqual({
      pid: 9,
      parent: 1,
      group: 8,
      session: 7,
      zombie: false,
      startTime: 123456,
      cpuSeconds: 2,
    });
  });

  test('a zombie is one that has no other thread left', () => {
    const stat = (state: string, threads: number) =>
      parseStat(`9 (java) ${state} 1 9 9 0 -1 0 1 2 3 4 1 1 1 1 20 0 ${threads} 0 123456 0 0`);
    expect(stat('Z', 1)?.zombie).toBe(true);
    expect(stat('X', 0)?.zombie).toBe(true);
    expect(stat('Z', 2)?.zombie).toBe(false);
    expect(stat('S', 1)?.zombie).toBe(false);
  });
});

describe('log tails', () => {
  test('hold the last lines only, also of a long file', async () => {
    const file = join(folder, 'long.log');
    expect(await tailOf(file, 3)).toBe('');
    await writeFile(file, Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n') + '\n');
    expect(await tailOf(file, 2)).toBe('line 19998\nline 19999');
  });
});

describe('free ports', () => {
  test('are different and free; a taken one is seen as taken', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[0], '127.0.0.1', resolve));
    expect(await isPortFree(ports[0]!)).toBe(false);
    await new Promise<void>((resolve) =>
      server.close(() => {
        resolve();
      }),
    );
    expect(await isPortFree(ports[0]!)).toBe(true);
  });
});
