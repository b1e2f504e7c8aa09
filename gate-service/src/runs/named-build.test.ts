/** What a request may call a build, and what is stored of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PlatformKind } from '../platforms/platform.ts';
import { parseCatalogue } from '../settings/catalogue-file.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import { BUILD_NAME, requireNamedBuild } from './named-build.ts';
import { FakeWorld, NEW } from './test-support/harness.ts';

const REPOSITORY = 'registry.example.com:5000/shop/checkout';
const IMAGE = 'e'.repeat(64);
const placed = parseCatalogue(
  `
services:
  - name: checkout
    hosts: [checkout.example]
    kubernetes:
      deployment: checkout
      repository: ${REPOSITORY}
      container: app
      staging:
        namespace: staging
        gateways: [{ namespace: edge, name: staging, address: { host: 10.0.0.1, port: 80 } }]
      production:
        namespace: shop
        gateways: [{ namespace: edge, name: production, address: { host: 10.0.0.2, port: 80 } }]
    workload: { rate: 10, requests: [{ name: get, path: / }] }
    thresholds: [p95 < 200ms]
`,
  'catalogue.yaml',
).services[0]!;

let world: FakeWorld;
beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
});

const named = (
  name: string,
  platform: PlatformKind = 'kubernetes',
  service: CatalogueService = placed,
): Promise<string> =>
  requireNamedBuild({ store: world.store, clock: world.clock, platform }, service, name, 'ci');

it.each([
  ['a tag', `${REPOSITORY}:1.0`],
  ['a tag and no digest by its algorithm', `${REPOSITORY}@${IMAGE}`],
  ['upper case', IMAGE.toUpperCase()],
  ['a space', `a b@sha256:${IMAGE}`],
  ['another algorithm', `${REPOSITORY}@sha512:${IMAGE}`],
])('is no name of a build: %s', (_, name) => {
  expect(name).not.toMatch(BUILD_NAME);
});

describe('on this machine', () => {
  it('is an uploaded WAR, and never an image', async () => {
    expect(await named(NEW, 'local')).toBe(NEW);
    expect(await named(`sha256:${NEW}`, 'local')).toBe(NEW);
    for (const name of [IMAGE, `${REPOSITORY}@sha256:${NEW}`]) {
      await expect(named(name, 'local')).rejects.toMatchObject({ code: 'unknown-build' });
    }
    expect(await world.store.build(IMAGE)).toBeUndefined();
  });
});

describe('on Kubernetes', () => {
  it('is an image of the repository that the catalogue names, stored with who named it first', async () => {
    expect(await named(`${REPOSITORY}@sha256:${IMAGE}`)).toBe(IMAGE);
    expect(await world.store.build(IMAGE)).toMatchObject({
      digest: IMAGE,
      location: REPOSITORY,
      uploadedBy: 'ci',
    });
    expect(await named(IMAGE)).toBe(IMAGE);
    expect(await named(`sha256:${'d'.repeat(64)}`)).toBe('d'.repeat(64));
  });

  it('is from nowhere else, whoever asks', async () => {
    await expect(named(`docker.io/library/miner@sha256:${IMAGE}`)).rejects.toMatchObject({
      code: 'unknown-build',
      field: '/build',
      message: expect.stringContaining(REPOSITORY) as string,
    });
    expect(await world.store.build(IMAGE)).toBeUndefined();
    // A WAR of former days under that digest is no image either.
    await expect(named(NEW)).rejects.toMatchObject({ code: 'unknown-build' });
  });

  it('is nothing for a service that the catalogue does not place', async () => {
    const service: CatalogueService = { ...placed, kubernetes: undefined };
    await expect(named(IMAGE, 'kubernetes', service)).rejects.toMatchObject({
      code: 'unknown-build',
    });
  });
});
