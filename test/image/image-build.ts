/** Builds this repository's images by their Dockerfiles, from bases that are made here: nothing is pulled. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { run } from '../../resources/components/command.ts';
import { whichAll } from '../../resources/components/machine.ts';
import { cacheFolder } from '../../gate-service/src/settings/components.ts';
import { DEBIAN_IMAGE, imageOf, type DockerEngine } from '../support/docker-engine.ts';

const ROOT = join(import.meta.dirname, '../..');

export type ImageName = 'gate-service' | 'node';
/** Parts of the component cache that an image takes; nothing is fetched where they are. */
const COMPONENTS: Readonly<Record<ImageName, RegExp>> = {
  'gate-service': /^(envoy|jetty-home|jolokia|servlet-api|jenkins-pipeline|sample-application)-/,
  node: /^(jetty-home|jolokia|servlet-api)-/,
};

export function dockerfileOf(name: ImageName): string {
  return join(ROOT, `resources/images/${name}/Dockerfile`);
}

/** Builds the image; a minute, and minutes more where packages of the distribution are not in the cache yet. */
export async function buildImage(
  engine: DockerEngine,
  name: ImageName,
  tag: string,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'speed-gate-image-'));
  try {
    const base = await systemBase(engine, name, folder);
    await engine.docker([
      ...['build', '--network=host', '--file', dockerfileOf(name), '--tag', tag],
      ...['--build-arg', `BASE=${base}`],
      ...['--build-arg', `BUILD_BASE=${await buildBase(engine, name, base, folder)}`],
      await contextIn(folder),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The Dockerfile's own first stage, kept between builds: its packages change seldom, and take the longest. */
async function systemBase(engine: DockerEngine, name: ImageName, folder: string): Promise<string> {
  const dockerfile = await readFile(dockerfileOf(name), 'utf8');
  const stage = /^FROM \$\{BASE\} AS system$[^]*?(?=^FROM )/m.exec(dockerfile)?.[0];
  if (stage === undefined) throw new Error(`${dockerfileOf(name)} has no stage "system"`);
  const image = imageOf(`speed-gate-test/${name}-system`, stage, DEBIAN_IMAGE, process.version);
  await engine.image(image, async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await engine.docker([
      ...['build', '--network=host', '--file', dockerfileOf(name), '--target', 'system'],
      ...['--build-arg', `BASE=${await nodeJs(engine, folder)}`, '--tag', image, empty],
    ]);
  });
  return image;
}

/** What the public base has: Node.js and npm on a Debian. */
async function nodeJs(engine: DockerEngine, folder: string): Promise<string> {
  const tag = imageOf('speed-gate-test/node-js', DEBIAN_IMAGE, process.version);
  const from = join(folder, 'node-js');
  await mkdir(from);
  await cp(await realpath(process.execPath), join(from, 'node'));
  await run('cp', ['-a', await npmFolder(), join(from, 'npm')]);
  const lines = [
    `FROM ${await engine.debianImage()}`,
    'COPY node /usr/local/bin/node',
    'COPY npm /usr/local/lib/node_modules/npm',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
  ];
  await buildFrom(engine, from, tag, lines);
  return tag;
}

/** With what cannot be fetched from inside a build here. */
async function buildBase(
  engine: DockerEngine,
  name: ImageName,
  base: string,
  folder: string,
): Promise<string> {
  const tag = `speed-gate-test/${name}-build-base:local`;
  const from = join(folder, 'fetched');
  await mkdir(join(from, 'components'), { recursive: true });
  await copyPackages(name, from);
  const cache = cacheFolder();
  for (const part of (await readdir(cache)).filter((one) => COMPONENTS[name].test(one))) {
    await run('cp', ['-a', join(cache, part), join(from, 'components', part)]);
  }
  const lines = [
    `FROM ${base}`,
    'COPY node_modules /opt/speed-gate/node_modules',
    'COPY components /opt/speed-gate/components',
  ];
  await buildFrom(engine, from, tag, lines);
  return tag;
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

/** All packages for what is built inside; for a node only those that `npm ci --omit=dev` would install. */
async function copyPackages(name: ImageName, target: string): Promise<void> {
  if (name === 'gate-service') {
    await run('cp', ['-a', join(ROOT, 'node_modules'), join(target, 'node_modules')]);
    return;
  }
  const { packages } = lockSchema.parse(
    JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')),
  );
  const served = Object.entries(packages)
    .filter(([path, { dev = false, devOptional = false }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => path);
  // Those of other machines are not installed.
  const present = served.filter((path) => existsSync(join(ROOT, path)));
  await run('cp', ['-a', '--parents', ...present, target], { cwd: ROOT });
}

/** Builds what lies in a folder, and removes the folder. */
export async function buildFrom(
  engine: DockerEngine,
  folder: string,
  tag: string,
  dockerfile: readonly string[],
): Promise<void> {
  await writeFile(join(folder, 'Dockerfile'), [...dockerfile, ''].join('\n'));
  await engine.docker(['build', '--network=host', '--tag', tag, folder]);
  await rm(folder, { recursive: true });
}

/** The machine's npm; that of a package below node_modules would not stand alone. */
async function npmFolder(): Promise<string> {
  const npm = whichAll('npm').find((file) => !file.includes('node_modules'));
  if (npm === undefined) throw new Error('npm was not found on this machine');
  return dirname(dirname(await realpath(npm)));
}

/** The tracked files as they lie here: no build output of this checkout gets in. */
async function contextIn(folder: string): Promise<string> {
  const target = join(folder, 'context');
  for (const file of await contextFiles()) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await cp(join(ROOT, file), join(target, file));
  }
  return target;
}

/** What a build gets to see, relative to the repository's root; sorted. */
export async function contextFiles(): Promise<readonly string[]> {
  const { stdout } = await run('git', ['-C', ROOT, 'ls-files', '-co', '--exclude-standard']);
  return (
    stdout
      .split('\n')
      .filter((name) => name !== '' && !name.startsWith('test/'))
      // One that is deleted and not committed yet is listed as well.
      .filter((name) => existsSync(join(ROOT, name)))
      .toSorted()
  );
}
