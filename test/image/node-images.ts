/** The node's image with each build of the sample application. */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  loadComponents,
  sampleFlavours,
  type SampleFlavour,
} from '../../gate-service/src/settings/components.ts';
import type { DockerEngine } from '../support/docker-engine.ts';
import { buildFrom, buildImage, dockerfileOf } from './image-build.ts';
import { imageKey } from './image-key.ts';
import type { ImageSet } from './image-set.ts';

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

/** Over what the Dockerfile copies, and the applications. */
async function keyOfNode(): Promise<string> {
  const { wars } = loadComponents();
  return imageKey(
    'node',
    copiedBy(await readFile(dockerfileOf('node'), 'utf8')),
    sampleFlavours.map((flavour) => wars[flavour].sha256),
  );
}

/** Sources of the Dockerfile's COPY instructions, all but those from other stages. */
function copiedBy(dockerfile: string): readonly string[] {
  return dockerfile
    .split('\n')
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
}
