/** The node's image with each build of the sample application. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256OfFile } from '../../resources/components/cache.ts';
import {
  loadComponents,
  sampleFlavours,
  type SampleFlavour,
} from '../../gate-service/src/settings/components.ts';
import { DEBIAN_IMAGE, type DockerEngine } from '../support/docker-engine.ts';
import { buildFrom, buildImage, contextFiles, dockerfileOf } from './image-build.ts';
import type { ImageSet } from './image-set.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const NODE = 'speed-gate-test/node:local';
/** Repository of the sample application's images. */
export const CHECKOUT = 'localhost/speed-gate-test/checkout';

/** Image of a build in {@link nodeImageSet}. */
export function checkoutImage(flavour: SampleFlavour, key: string): string {
  return `${CHECKOUT}:${flavour}-${key}`;
}

/** All of them, as they have to be for the sources as they lie here. */
export async function nodeImageSet(): Promise<ImageSet> {
  const key = await keyOfNode();
  return {
    name: 'node-images',
    key,
    images: sampleFlavours.map((flavour) => checkoutImage(flavour, key)),
    build: (engine) => buildAll(engine, key),
  };
}

async function buildAll(engine: DockerEngine, key: string): Promise<void> {
  await buildImage(engine, 'node', NODE);
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-applications-'));
  try {
    const { wars } = loadComponents();
    for (const flavour of sampleFlavours) {
      const from = path.join(folder, flavour);
      await mkdir(from);
      await cp(wars[flavour].path, path.join(from, 'application.war'));
      const lines = [`FROM ${NODE}`, 'COPY application.war /opt/application/'];
      await buildFrom(engine, from, checkoutImage(flavour, key), lines);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Over all that gets into the images: what the Dockerfile copies, the packages, the applications, and the base. */
async function keyOfNode(): Promise<string> {
  const hash = createHash('sha256');
  const dockerfile = await readFile(dockerfileOf('node'), 'utf8');
  hash.update(`${dockerfile}\0${DEBIAN_IMAGE}\0${process.version}\0`);
  const sources = copiedBy(dockerfile);
  for (const file of await contextFiles()) {
    const isCopied = sources.some((source) => file === source || file.startsWith(`${source}/`));
    if (!isCopied || file.endsWith('.test.ts')) continue;
    hash.update(`${file}\0${await sha256OfFile(path.join(ROOT, file))}\0`);
  }
  const { wars } = loadComponents();
  for (const flavour of sampleFlavours) hash.update(wars[flavour].sha256);
  return hash.digest('hex').slice(0, 16);
}

/** Sources of the Dockerfile's COPY instructions, all but those from other stages. */
function copiedBy(dockerfile: string): readonly string[] {
  return dockerfile
    .split('\n')
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
}
