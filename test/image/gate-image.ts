/** The gate service's image, built by its Dockerfile for the sources as they lie here. */
import { buildImage } from './image-build.ts';
import { imageKey } from './image-key.ts';
import type { ImageSet } from './image-set.ts';

/** Repository of the gate service's image. */
export const GATE = 'localhost/speed-gate-test/gate-service';
/** What the Dockerfile takes over, or makes it of. */
const SOURCES = [
  'package.json',
  'package-lock.json',
  'gate-service',
  'resources/components',
  'resources/sample-application',
];

export async function gateImageSet(): Promise<ImageSet> {
  const key = await imageKey('gate-service', SOURCES);
  const image = `${GATE}:${key}`;
  return {
    name: 'gate-image',
    key,
    images: [image],
    build: (engine) => buildImage(engine, 'gate-service', image),
  };
}
