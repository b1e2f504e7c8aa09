/** Each thing broken once: the doctor finds it, and says what to do. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tokenDigest } from '../api/identity/token-book.ts';
import { openStore } from '../store/store.ts';
import { doctor, examine } from './doctor.ts';
import type { Finding } from './doctor/finding.ts';
import { checkFolder } from './doctor/machine.ts';
import { checkStore } from './doctor/store.ts';

const CATALOGUE = `services:
  - name: shop
    hosts: [shop.localhost]
    healthPath: /health
    workload: { rate: 10, requests: [{ name: search, path: /search }] }
    thresholds: [errors < 1%]
`;
const SECRET = 'a-secret-of-32-characters-1234567';

// Generous: the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

let folder: string;
let environment: Record<string, string>;
let state: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-doctor-'));
  state = join(folder, 'state');
  await mkdir(state);
  await write('catalogue.yaml', CATALOGUE);
  await write('identities.yaml', identities(''));
  await chmod(join(folder, 'identities.yaml'), 0o600);
  environment = {
    SPEED_GATE_CATALOGUE: join(folder, 'catalogue.yaml'),
    SPEED_GATE_IDENTITIES_FILE: join(folder, 'identities.yaml'),
    SPEED_GATE_STATE: state,
    SPEED_GATE_CACHE: join(folder, 'cache'),
    SPEED_GATE_LISTEN: '127.0.0.1:0',
    SPEED_GATE_STAGING_PORT: '0',
    SPEED_GATE_PRODUCTION_PORT: '0',
  };
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, text: string, mode = 0o600) =>
  writeFile(join(folder, name), text, { mode });
const identities = (more: string) =>
  `tokens: [{ name: ada, kind: person, sha256: ${tokenDigest('token-0123456789-0123')}, rights: { read: [shop] }${more} }]`;

async function found(area: string): Promise<readonly Finding[]> {
  const findings = await examine(environment, state);
  return findings.filter((finding) => finding.area === area);
}
/** What is not as it should be in an area. */
async function wrong(area: string): Promise<readonly Finding[]> {
  const findings = (await found(area)).filter(({ status }) => status !== 'ok');
  for (const { remedy } of findings) expect(remedy).toBeTruthy();
  return findings;
}

describe('the doctor', () => {
  it('warns of a service whose runs may hold the machine for long', async () => {
    expect(await wrong('catalogue')).toStrictEqual([]);
    await write('catalogue.yaml', `${CATALOGUE.trimEnd()}\n    limits: { tuneSeconds: 9000 }\n`);
    expect(await wrong('catalogue')).toMatchObject([
      { status: 'warning', remedy: expect.stringContaining('limits.tuneSeconds') as string },
    ]);
  });

  it('finds nothing wrong with files that are right', async () => {
    for (const area of ['settings', 'catalogue', 'identities', 'webhooks', 'folders', 'ports']) {
      expect(
        (await wrong(area)).filter(({ status }) => status === 'problem'),
        area,
      ).toStrictEqual([]);
    }
    expect(await wrong('store')).toStrictEqual([]);
    expect(await wrong('leftovers')).toStrictEqual([]);
  });

  it('says every wrong setting, and goes on with the rest', async () => {
    environment.SPEED_GATE_LISTEN = 'everywhere';
    environment.SPEED_GATE_DRAIN_SECONDS = 'long';
    expect((await wrong('settings')).map(({ status }) => status)).toStrictEqual([
      'problem',
      'problem',
    ]);
    expect(await found('store')).toHaveLength(1);
  });

  it('says where the catalogue is wrong', async () => {
    await write('catalogue.yaml', CATALOGUE.replace('errors < 1%', 'errors < lots'));
    const [problem] = await wrong('catalogue');
    expect(problem?.status).toBe('problem');
    expect(problem?.words).toMatch(/catalogue\.yaml:6 services\[0\]\.thresholds\[0\]/);
  });

  it.each([
    ['that is not there', undefined, /ENOENT/, 'problem'],
    ['with a mistake', identities(', shoe: 42'), /shoe/, 'problem'],
    [
      'with an expired token',
      identities(', expires: 2020-01-01T00:00:00Z'),
      /ada has expired/,
      'warning',
    ],
    ['for another service', identities('').replace('[shop]', '[shp]'), /shp/, 'warning'],
  ])('finds an identities file %s', async (_, text, words, status) => {
    if (text === undefined) await rm(join(folder, 'identities.yaml'));
    else await write('identities.yaml', text);
    const findings = await wrong('identities');
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ status, words: expect.stringMatching(words) as string });
  });

  it('finds identities that others could write, or that nobody has', async () => {
    await chmod(join(folder, 'identities.yaml'), 0o666);
    expect(await wrong('identities')).toMatchObject(
      [{ status: 'problem', words: /others may write/ }].map(withWords),
    );
    delete environment.SPEED_GATE_IDENTITIES_FILE;
    expect(await wrong('identities')).toMatchObject([{ status: 'warning' }]);
  });

  it('finds webhooks without their secret, and a secret that everybody may read', async () => {
    await write(
      'webhooks.yaml',
      `endpoints: [{ name: chat, url: "https://a.example", secretFile: "${folder}/secret" }]`,
    );
    environment.SPEED_GATE_WEBHOOKS_FILE = join(folder, 'webhooks.yaml');
    expect(await wrong('webhooks')).toMatchObject(
      [{ status: 'problem', words: /cannot be read .* ENOENT/ }].map(withWords),
    );
    await write('secret', SECRET);
    expect(await wrong('webhooks')).toStrictEqual([]);
    await chmod(join(folder, 'secret'), 0o644);
    expect(await wrong('webhooks')).toMatchObject([
      { status: 'warning', remedy: `chmod o-rwx ${folder}/secret` },
    ]);
    await write('webhooks.yaml', 'endpoints: [{ name: chat, url: nowhere }]');
    expect((await wrong('webhooks')).map(({ status }) => status)).toStrictEqual([
      'problem',
      'problem',
    ]);
  });

  it('finds components that are not set up, gone, or of another version', async () => {
    expect(await wrong('components')).toMatchObject([
      { status: 'problem', remedy: 'npm run setup' },
    ]);
    const tool = async (name: string, says: string) => {
      await write(name, `#!/bin/sh\necho '${says}'\n`, 0o700);
      return { path: join(folder, name), version: '1.2.3' };
    };
    const components = {
      format: 1,
      key: 'k',
      httpd: {
        ...(await tool('httpd', 'Server version: Apache/1.2.3 (Debian)')),
        serverRoot: folder,
      },
      java: { ...(await tool('java', 'openjdk version "9.9.9"')), home: folder },
      envoy: await tool('envoy', 'envoy  version: 0123abc/1.2.3/Clean/RELEASE'),
      prometheus: { path: join(folder, 'gone'), version: '1.2.3' },
      jettyHome: { path: folder, version: '12' },
      jolokia: { path: join(folder, 'gone.jar'), version: '2' },
      servletApi: { path: folder, version: '6' },
      pipelineLibraries: { classpathDir: folder },
      wars: Object.fromEntries(
        ['1.0', '1.1', '1.2', '1.3', 'broken-start', 'broken-500'].map((name) => [
          name,
          { path: folder, sha256: 'a'.repeat(64) },
        ]),
      ),
    };
    await mkdir(join(folder, 'cache'));
    await write('cache/components.json', JSON.stringify(components));
    expect(await wrong('components')).toMatchObject(
      [
        { status: 'warning', words: /Java .* is 9\.9\.9; the set-up found 1\.2\.3/ },
        { status: 'problem', words: /Prometheus cannot be run/ },
        { status: 'problem', words: /Jolokia is not at/ },
      ].map(withWords),
    );
  });

  it('names who holds a port', async () => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    try {
      const { port } = server.address() as AddressInfo;
      environment.SPEED_GATE_PRODUCTION_PORT = String(port);
      expect(await wrong('ports')).toMatchObject(
        [{ status: 'problem', words: new RegExp(`^${port}, .* process ${process.pid} `) }].map(
          withWords,
        ),
      );
    } finally {
      server.close();
    }
  });

  it('finds folders that cannot be written, and disks that are full', async () => {
    await write('file', '');
    expect(await checkFolder('state folder', join(folder, 'file', 'state'))).toMatchObject([
      { status: 'problem', area: 'folders' },
    ]);
    // A file system without any room.
    expect(await checkFolder('state folder', '/proc')).toMatchObject(
      [{ status: 'problem', words: /0\.0 GiB free/ }].map(withWords),
    );
  });

  it('finds processes that were left behind', async () => {
    const stray = spawn(
      process.execPath,
      ['-e', 'setInterval(() => {}, 1000)', `${state}/platform/nodes/a`],
      {
        stdio: 'ignore',
      },
    );
    try {
      expect(await wrong('leftovers')).toMatchObject([
        { status: 'warning', remedy: `kill ${stray.pid}` },
      ]);
    } finally {
      stray.kill('SIGKILL');
    }
  });
});

describe('the doctor and the store', () => {
  const file = () => join(state, 'speed-gate.sqlite');
  const check = () => checkStore(state, undefined);

  it('finds a file that is no database, and one of an older version', async () => {
    await writeFile(file(), 'this is no database, whatever its name says'.repeat(100));
    expect(await check()).toMatchObject([{ status: 'problem' }]);
    await rm(file());
    new DatabaseSync(file()).close();
    const database = new DatabaseSync(file());
    database.exec('create table something (a)');
    database.close();
    expect(await check()).toMatchObject([
      { status: 'warning', remedy: expect.stringMatching(/keep a copy/) as string },
    ]);
  });

  it('finds an audit that was changed, and messages that were given up', async () => {
    const store = await openStore({ file: file() });
    for (const subject of ['run-1', 'run-2', 'run-3']) {
      await store.appendAudit({
        at: '2026-01-01T00:00:00.000Z',
        actor: 'ada',
        action: 'run.submit',
        subject,
        data: {},
      });
    }
    await store.close();
    expect((await check()).map(({ status }) => status)).toStrictEqual(['ok', 'ok']);

    const again = await openStore({ file: file() });
    await again.enqueueDelivery({
      id: 'd',
      endpoint: 'chat',
      subject: 's',
      type: 'decision',
      body: '{}',
      createdAt: '2026-01-01T00:00:00.000Z',
      state: 'given-up',
      attempts: 12,
      nextAt: '2026-01-01T00:00:00.000Z',
    });
    await again.close();
    const database = new DatabaseSync(file());
    const triggers = database
      .prepare("select name from sqlite_master where type = 'trigger'")
      .all();
    for (const { name } of triggers) database.exec(`drop trigger "${String(name)}"`);
    database.exec("update audit set actor = 'mallory' where sequence = 2");
    database.close();
    expect(await check()).toMatchObject(
      [
        { status: 'ok', words: /answers/ },
        { area: 'audit', status: 'problem', words: /entry 2 was changed/ },
        { area: 'webhooks', status: 'warning', words: /1 messages to chat were given up/ },
      ].map(withWords),
    );
  });

  it('says that a database does not answer, and not its password', async () => {
    const findings = await checkStore(state, 'postgres://gate:pass-word@127.0.0.1:9/gate');
    expect(findings).toMatchObject([{ status: 'problem' }]);
    expect(JSON.stringify(findings)).not.toContain('pass-word');
  });
});

describe('speed-gate doctor', () => {
  const run = async (...args: string[]) => {
    const lines: string[] = [];
    const before = { ...process.env };
    Object.assign(process.env, environment);
    try {
      await doctor([...args, '--state', state], (line) => lines.push(line));
      return { text: lines.join('\n'), code: process.exitCode };
    } finally {
      process.exitCode = undefined;
      for (const name of Object.keys(environment)) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[name];
      }
    }
  };

  it('prints a line for each finding, the remedy below it, and ends with 1 on a problem', async () => {
    const { code, text } = await run();
    expect(code).toBe(1);
    expect(text).toMatch(
      /^problem +components +The components are not set up.*\n +-> npm run setup$/m,
    );
    expect(text).toMatch(/^ok +catalogue +.*describes shop$/m);
    expect(text).toMatch(/1 problem, \d+ warnings?: the service cannot do its work/);
  });

  it('prints JSON for programs', async () => {
    const { text } = await run('--json');
    expect(JSON.parse(text)).toMatchObject({ problems: 1, findings: expect.any(Array) as unknown });
  });
});

/** Patterns may stand for words. */
function withWords<T extends { readonly words?: RegExp }>(expected: T) {
  return {
    ...expected,
    ...(expected.words !== undefined && { words: expect.stringMatching(expected.words) as string }),
  };
}
