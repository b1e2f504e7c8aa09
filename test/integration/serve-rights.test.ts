/** `speed-gate serve` as it is started: who gets in without a token, and how the identities file is followed. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import { send } from '../support/raw-http.ts';
import type { WireAnswer } from '../support/raw-http.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'gate-service/src/main.ts');
const TOKEN = 'the-token-of-ann-0123456789';
const entry = `tokens: [{ name: ann, kind: person, sha256: ${tokenDigest(TOKEN)}, rights: [read] }]`;

let directory: string;
let port: number;
let service: ChildProcess | undefined;
let output = '';

const run = promisify(execFile);
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  SPEED_GATE_CACHE: process.env.SPEED_GATE_CACHE,
  SPEED_GATE_SETTINGS: join(directory, 'settings.yaml'),
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const found = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return found;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-serve-'));
  port = await freePort();
  await writeFile(join(directory, 'identities.yaml'), entry);
  await writeFile(
    join(directory, 'settings.yaml'),
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      state: 'state',
      catalogue: join(ROOT, 'resources/sample-application/speedgate.yaml'),
      identitiesFile: 'identities.yaml',
      stagingPort: 0,
      productionPort: 0,
    }),
  );
});
afterAll(async () => {
  service?.kill('SIGKILL');
  await run(process.execPath, [MAIN, 'down'], { env: environment() });
  await rm(directory, { recursive: true });
});

/** Starts a service that must give up, and answers what it said. */
async function refusal(args: readonly string[], more: NodeJS.ProcessEnv): Promise<string> {
  const child = run(process.execPath, [MAIN, 'serve', ...args], {
    env: { ...environment(), ...more },
  });
  return await child.then(
    () => expect.unreachable('it started'),
    (error: unknown) => {
      expect(error).toMatchObject({ code: 1 });
      return (error as { stderr: string }).stderr;
    },
  );
}

describe('it does not start', () => {
  it.each(['0.0.0.0:7080', '[::]:7080', 'localhost:7080'])(
    'with --insecure-loopback on %s',
    async (listen) => {
      const said = await refusal(['--insecure-loopback'], { SPEED_GATE_LISTEN: listen });
      expect(said).toMatch(/must listen on loopback: set SPEED_GATE_LISTEN to 127\.0\.0\.1:7080/);
    },
  );

  it('with wrong settings, and says all of them', async () => {
    const said = await refusal([], {
      SPEED_GATE_LOG_LEVEL: 'loud',
      SPEED_GATE_RETENTION_DAYS: '0',
      DATABASE_URL: 'mysql://hunter2@db',
    });
    expect(said).toMatch(/DATABASE_URL: .*\n.*SPEED_GATE_RETENTION_DAYS: .*\n.*LOG_LEVEL: /);
    expect(said).not.toContain('hunter2');
  });

  it('with a wrong identities file, and says every mistake with its line', async () => {
    const file = join(directory, 'wrong.yaml');
    await writeFile(file, 'tokens:\n  - { name: bot, kind: ci, sha256: x, rights: [override] }\n');
    const said = await refusal([], { SPEED_GATE_IDENTITIES_FILE: file });
    expect(said).toMatch(/wrong\.yaml:2:\d+ tokens\[0\]\.sha256: /);
    expect(said).toMatch(/wrong\.yaml:2:\d+ tokens\[0\]\.rights: .*`override`/);
  });
});

describe('with --insecure-loopback', () => {
  const ask = (path: string, headers: Record<string, string> = {}): Promise<WireAnswer> =>
    send(port, { method: 'GET', path, headers });
  const asAnn = { authorization: `Bearer ${TOKEN}` };

  beforeAll(async () => {
    service = spawn(process.execPath, [MAIN, 'serve', '--insecure-loopback'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [service.stdout, service.stderr]) {
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    }
    const ready = async (): Promise<void> => {
      if (service?.exitCode !== null) throw new Error(output);
      expect((await ask('/readyz')).status).toBe(200);
    };
    await vi.waitFor(ready, { timeout: 120_000, interval: 200 });
  });

  it('says so, and lets in whoever asks from this machine', async () => {
    expect(output).toMatch(/INSECURE: --insecure-loopback lets every process and person/);
    expect(JSON.parse((await ask('/v1/sign-in')).body)).toEqual({ token: true, anonymous: true });
    expect(JSON.parse((await ask('/v1/me')).body)).toMatchObject({ name: 'anonymous' });
    expect((await ask('/v1/audit')).status).toBe(403);
    expect((await ask('/v1/me', { host: 'evil.example.com' })).status).toBe(421);
    expect(JSON.parse((await ask('/v1/me', asAnn)).body)).toMatchObject({ name: 'ann' });
  });

  it('listens nowhere else', async () => {
    const tables = await Promise.all(
      ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8')),
    );
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    const listening = tables
      .join('\n')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => local.endsWith(`:${hex}`) && state === '0A')
      .map(([, local]) => local);
    expect(listening).toEqual([`0100007F:${hex}`]);
  });

  it('reads its identities again on SIGHUP, and keeps them when they are broken', async () => {
    const file = join(directory, 'identities.yaml');
    await writeFile(file, 'tokens: [');
    service!.kill('SIGHUP');
    await vi.waitFor(
      () => {
        expect(output).toMatch(/the one before is still in force/);
      },
      { timeout: 30_000 },
    );
    expect((await ask('/v1/me', asAnn)).status).toBe(200);
    await writeFile(file, 'tokens: []');
    service!.kill('SIGHUP');
    await vi.waitFor(
      async () => {
        expect((await ask('/v1/me', asAnn)).status).toBe(401);
      },
      { timeout: 30_000 },
    );
    expect(output).not.toContain(TOKEN);
  });

  it('ends when it is told to', async () => {
    const ended = once(service!, 'exit');
    service!.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
