/**
 * A Docker engine for tests: the one that DOCKER_HOST names or that answers on this machine, else one that is
 * started here, with everything of its own in a temporary folder, and ended with the test.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, tryRun } from '../../resources/components/command.ts';
import { installPackages, requireApt } from '../../resources/components/debian.ts';
import { withLock } from '../../resources/components/lock.mjs';
import { whichAll } from '../../resources/components/machine.ts';
import { startDetached, stopProcess } from '../../gate-service/src/processes/detached-process.ts';
import type { ProcessRecord } from '../../gate-service/src/processes/process-record.ts';
import { cacheFolder } from '../../gate-service/src/settings/components.ts';
import { until } from './processes.ts';

export interface DockerEngine {
  /** As DOCKER_HOST wants it. */
  readonly host: string;
  /** Started here: containers share this machine's network, and nothing of it is there afterwards. */
  readonly own: boolean;
  /** Runs the docker command against this engine; answers what it printed. @throws Error with its complaint */
  docker(args: readonly string[]): Promise<string>;
  /** Whether the image is in the engine or in the cache. */
  has(name: string): Promise<boolean>;
  /**
   * Makes sure that the image is there: from the component cache, else by `make`, and kept in the cache then.
   * @param name with a tag that changes with what the image is made of ({@link imageOf}): whatever has this name
   *   already, in an engine that outlives the test too, is taken for it
   */
  image(name: string, make: () => Promise<void>): Promise<void>;
  /** A small Debian, made here by debootstrap; its name. For images that need a base where none can be pulled. */
  debianImage(): Promise<string>;
  stop(): Promise<void>;
}

const DEFAULT_SOCKET = '/var/run/docker.sock';
const DEBOOTSTRAP = ['--variant=minbase', 'bookworm'] as const;

/** The name of an image that is made of these texts: other texts, another tag. */
export function imageOf(repository: string, ...madeOf: readonly string[]): string {
  const key = createHash('sha256').update(JSON.stringify(madeOf)).digest('hex').slice(0, 12);
  return `${repository}:${key}`;
}

/** A small Debian; `debianImage` of an engine sees to it that it is there. */
export const DEBIAN_IMAGE = imageOf('speed-gate-test/debian', ...DEBOOTSTRAP);

/** @throws Error saying what to do when there is no engine and none can be started */
export async function startDockerEngine(): Promise<DockerEngine> {
  const { DOCKER_HOST } = process.env;
  if (DOCKER_HOST !== undefined && DOCKER_HOST !== '') return engineAt(DOCKER_HOST);
  if (await answers(DEFAULT_SOCKET)) return engineAt(`unix://${DEFAULT_SOCKET}`);
  await ensurePrograms();
  return ownEngine();
}

async function ownEngine(): Promise<DockerEngine> {
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-docker-'));
  const socket = path.join(folder, 'docker.sock');
  const logFile = path.join(folder, 'dockerd.log');
  const [dockerd = 'dockerd'] = whichAll('dockerd');
  const engine = await startDetached({
    command: dockerd,
    args: [
      ...['--data-root', path.join(folder, 'data'), '--exec-root', path.join(folder, 'exec')],
      ...['--pidfile', path.join(folder, 'docker.pid'), '--host', `unix://${socket}`],
      // Containers use the host's network: no bridge, no rules in this machine's firewall.
      ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-masq=false'],
    ],
    cwd: folder,
    logFile,
  });
  const stop = () => stopEngine(engine, folder);
  try {
    await until(
      'the Docker engine answers',
      async () => {
        if (await answers(socket)) return true;
        if (!existsSync(`/proc/${engine.pid}`)) throw new Error('dockerd ended');
        return undefined;
      },
      { withinMs: 60_000, everyMs: 100 },
    );
  } catch (error) {
    const log = await readFile(logFile, 'utf8').catch(() => '');
    await stop();
    throw new Error(
      `no Docker engine could be started:\n${log.split('\n').slice(-12).join('\n')}`,
      {
        cause: error,
      },
    );
  }
  return { ...engineAt(`unix://${socket}`), own: true, stop };
}

async function stopEngine(engine: ProcessRecord, folder: string): Promise<void> {
  await stopProcess(engine, { signal: 'SIGTERM', graceMs: 30_000, target: 'leader' });
  // The engine leaves the network of the host mounted, and a shim may still let go of its own mounts.
  for (let attempt = 1; ; attempt += 1) {
    for (const mount of mountsBelow(folder)) await tryRun('umount', [mount]);
    try {
      await rm(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(250);
    }
  }
}

/** Innermost first. */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => mount.startsWith(`${folder}/`))
    .reverse();
}

function engineAt(host: string): DockerEngine {
  const docker: DockerEngine['docker'] = async (args) => {
    const [program = 'docker'] = whichAll('docker');
    // The builder that needs no plugin.
    const env = { ...process.env, DOCKER_HOST: host, DOCKER_BUILDKIT: '0' };
    return (await run(program, args, { env })).stdout.trim();
  };
  const image: DockerEngine['image'] = async (name, make) => {
    if (await isThere(docker, name)) return;
    const file = cacheFile(name);
    await mkdir(path.dirname(file), { recursive: true });
    await withLock(
      `${file}.lock`,
      async () => {
        if (existsSync(file)) {
          await docker(['load', '--quiet', '--input', file]);
          return;
        }
        await make();
        const incomplete = `${file}.${process.pid}`;
        await docker(['save', '--output', incomplete, name]);
        await rename(incomplete, file);
      },
      () => undefined,
    );
  };
  return {
    host,
    own: false,
    docker,
    has: async (name) => (await isThere(docker, name)) || existsSync(cacheFile(name)),
    image,
    async debianImage() {
      await image(DEBIAN_IMAGE, () => bootstrapDebian(host));
      return DEBIAN_IMAGE;
    },
    stop: () => Promise.resolve(),
  };
}

function cacheFile(name: string): string {
  return path.join(cacheFolder(), 'test-images', `${name.replaceAll(/[^a-z0-9.]+/g, '-')}.tar`);
}

async function isThere(docker: DockerEngine['docker'], name: string): Promise<boolean> {
  return docker(['image', 'inspect', '--format', '{{.Id}}', name]).then(
    () => true,
    () => false,
  );
}

/** Streams a new Debian into `docker import`. */
async function bootstrapDebian(host: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-debian-'));
  const root = path.join(folder, 'root');
  try {
    const [debootstrap = 'debootstrap'] = whichAll('debootstrap');
    await run(debootstrap, [...DEBOOTSTRAP, root]);
    // The suite alone lacks the updates for what the machine's own sources have.
    await rm(path.join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
    await mkdir(path.join(root, 'var/cache/apt/archives/partial'), { recursive: true });
    await pipe(
      ['tar', '-C', root, '-c', '.'],
      [whichAll('docker')[0] ?? 'docker', '--host', host, 'import', '-', DEBIAN_IMAGE],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pipe(from: readonly string[], to: readonly string[]): Promise<void> {
  const [reader = '', ...readerArgs] = from;
  const [writer = '', ...writerArgs] = to;
  const source = spawn(reader, readerArgs, { stdio: ['ignore', 'pipe', 'inherit'] });
  const target = spawn(writer, writerArgs, { stdio: ['pipe', 'ignore', 'pipe'] });
  source.stdout.pipe(target.stdin);
  let words = '';
  target.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  const ends = [source, target].map(
    (child) =>
      new Promise<number>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code) => {
          resolve(code ?? 1);
        });
      }),
  );
  const codes = await Promise.all(ends);
  if (codes.some((code) => code !== 0)) {
    throw new Error(`${from.join(' ')} | ${to.join(' ')} ended with ${codes.join(', ')}: ${words}`);
  }
}

async function ensurePrograms(): Promise<void> {
  const missing = [
    { program: 'dockerd', problem: 'a Docker engine was not found', packages: ['docker.io'] },
    { program: 'docker', problem: 'the docker command was not found', packages: ['docker.io'] },
    { program: 'debootstrap', problem: 'debootstrap was not found', packages: ['debootstrap'] },
  ]
    .filter(({ program }) => whichAll(program).length === 0)
    .map(({ problem, packages }) => ({ problem, packages, whatFor: 'tests in containers' }));
  if (missing.length === 0) return;
  await requireApt(missing);
  await installPackages(missing);
}

/** Whether an engine listens on the socket. */
function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ping.on('error', () => {
      resolve(false);
    });
    ping.on('timeout', () => {
      ping.destroy();
    });
    ping.end();
  });
}
