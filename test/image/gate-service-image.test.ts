/** The image: built by its Dockerfile from a base that is made here, run as it is meant to run. */
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../resources/components/command.ts';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import { freePort, freePorts } from '../../gate-service/src/processes/free-port.ts';
import { startDockerEngine } from '../support/docker-engine.ts';
import type { DockerEngine } from '../support/docker-engine.ts';
import { until } from '../support/processes.ts';
import { gateImageSet } from './gate-image.ts';
import { archiveOf } from './image-set.ts';

const ROOT = join(import.meta.dirname, '../..');
const BUILD_MS = 20 * 60_000;

let engine: DockerEngine;
let image: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-image-'));
  // The one that tests on the cluster take, too: it is built once for these sources.
  const set = await gateImageSet();
  const archive = await archiveOf(set);
  image = only(set.images);
  engine = await startDockerEngine();
  await engine.docker(['load', '--input', archive]);
}, BUILD_MS);

afterAll(async () => {
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

function only(images: readonly string[]): string {
  const [one, ...others] = images;
  if (one === undefined || others.length > 0) throw new Error(`one image, not ${String(images)}`);
  return one;
}

interface Container {
  readonly url: string;
  docker(...args: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Read-only, without a single capability, as the user that the image names. */
async function start(token: string): Promise<Container> {
  const etc = join(folder, 'etc');
  await mkdir(etc, { recursive: true });
  await cp(join(ROOT, 'resources/sample-application/speedgate.yaml'), join(etc, 'speedgate.yaml'));
  await writeFile(
    join(etc, 'identities.yaml'),
    `tokens: [{ name: ada, kind: person, sha256: ${tokenDigest(token)}, rights: [read, admin] }]`,
  );
  await run('chmod', ['-R', 'a+rX', folder]);
  const port = await freePort();
  const [staging, production] = await freePorts(2);
  const name = `speed-gate-image-${randomBytes(4).toString('hex')}`;
  await engine.docker([
    ...['run', '--detach', '--name', name, '--network', 'host'],
    ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...['--tmpfs', '/tmp', '--volume', `${etc}:/etc/speed-gate:ro`],
    ...['--env', 'SPEED_GATE_CATALOGUE=/etc/speed-gate/speedgate.yaml'],
    ...['--env', 'SPEED_GATE_IDENTITIES_FILE=/etc/speed-gate/identities.yaml'],
    ...['--env', `SPEED_GATE_LISTEN=127.0.0.1:${port}`],
    ...['--env', `SPEED_GATE_STAGING_PORT=${staging!}`],
    ...['--env', `SPEED_GATE_PRODUCTION_PORT=${production!}`],
    image,
  ]);
  return {
    url: `http://127.0.0.1:${port}`,
    docker: (verb = '', ...more) => engine.docker([verb, name, ...more]),
    remove: async () => {
      await engine.docker(['rm', '--force', '--volumes', name]);
    },
  };
}

it('serves read-only and as nobody in particular, says that it is healthy, and ends in order', async () => {
  const token = `token-${createHash('sha256').update(randomBytes(16)).digest('hex')}`;
  const container = await start(token);
  try {
    const state = (format: string) => container.docker('inspect', '--format', format);
    await until(
      'the container is healthy',
      async () => {
        if ((await state('{{.State.Running}}')) !== 'true') {
          throw new Error(`it ended:\n${await container.docker('logs')}`);
        }
        return (await state('{{.State.Health.Status}}')) === 'healthy' ? true : undefined;
      },
      { withinMs: 180_000, everyMs: 1_000 },
    );
    const ready = await fetch(`${container.url}/readyz`);
    expect(await ready.json()).toMatchObject({
      checks: [{ status: 'ok' }, { name: 'driver', status: 'ok' }],
    });
    const me = await fetch(`${container.url}/v1/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await me.json()).toMatchObject({ name: 'ada' });
    // The dashboard is in it too.
    expect((await fetch(`${container.url}/`)).headers.get('content-type')).toContain('text/html');

    expect(await state('{{.Config.User}}')).toBe('10001:10001');
    expect(await container.docker('exec', 'id', '-u')).toBe('10001');
    await expect(container.docker('exec', 'touch', '/opt/speed-gate/x')).rejects.toThrow(
      /Read-only file system|Permission denied/,
    );
    const findings = await container
      .docker('exec', 'node', 'gate-service/src/main.ts', 'doctor', '--json')
      .then((text) => JSON.parse(text) as { problems: number; findings: unknown[] });
    expect(findings.problems, JSON.stringify(findings.findings)).toBe(0);

    await container.docker('stop', '--time', '60');
    expect(await state('{{.State.ExitCode}}')).toBe('0');
  } finally {
    await container.remove();
  }
}, 300_000);

it('holds no test, no secret and no package that only development takes', async () => {
  const list = await engine.docker([
    ...['run', '--rm', '--network', 'none', '--entrypoint', 'find', image],
    ...['/opt/speed-gate', '-maxdepth', '5', '-not', '-path', '*/components/*'],
  ]);
  expect(list).toMatch(/\/gate-service\/src$/m);
  expect(list).toMatch(/\/node_modules\/fastify$/m);
  for (const name of ['vitest', 'typescript', 'eslint', 'testcontainers', 'playwright-core']) {
    expect(list).not.toMatch(new RegExp(`/node_modules/${name}$`, 'm'));
  }
  expect(list).not.toMatch(
    /\/gate-service\/.*\.test\.ts$|^\/opt\/speed-gate\/(test|\.git|\.npmrc)$/m,
  );
  const history = await engine.docker([
    'history',
    '--no-trunc',
    '--format',
    '{{.CreatedBy}}',
    image,
  ]);
  expect(history).not.toMatch(/token|password/i);
  expect(await readFile(join(ROOT, 'resources/images/gate-service/Dockerfile'), 'utf8')).toMatch(
    /^ARG BASE=node:24-/m,
  );
});
