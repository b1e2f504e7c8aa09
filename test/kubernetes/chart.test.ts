/** The chart on a real cluster: installed, upgraded and removed by helm. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { objectsOf } from './support/chart.ts';
import { installChart, type ChartRelease } from './support/chart-release.ts';

let release: ChartRelease;

beforeAll(async () => {
  release = await installChart({ replicas: 2, database: { existingSecret: 'database' } });
}, 900_000);
afterAll(async () => {
  await release.remove();
}, 240_000);

const listSchema = z.looseObject({
  items: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string(), uid: z.string() }) })),
});

/** Paths of everything that the release consists of, as the API server has it. */
async function pathsOfRelease(): Promise<string[]> {
  const { name, namespaces } = release;
  const objects = objectsOf(await release.helm('get', 'manifest', name));
  return objects.map(({ apiVersion, kind, metadata }) => {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const lower = kind.toLowerCase();
    const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
    const place = lower.startsWith('validating')
      ? ''
      : `/namespaces/${metadata.namespace ?? namespaces.gate}`;
    return `${root}${place}/${plural}/${metadata.name}`;
  });
}

it('is accepted whole by the API server, changes nothing when it is applied again, and keeps the key of the agents', async () => {
  const { admin, name, namespaces } = release;
  const paths = await pathsOfRelease();
  // Accounts, Roles, policies of network and admission, budget, and the gate itself.
  expect(paths.length).toBeGreaterThanOrEqual(17);
  const version = async (path: string) => {
    const { metadata } = z
      .looseObject({ metadata: z.looseObject({ generation: z.number().optional() }) })
      .parse(await admin.call('GET', path));
    return [path, metadata.generation];
  };
  const key = async () =>
    admin.call('GET', `/api/v1/namespaces/${namespaces.gate}/secrets/${name}-agent-key`);
  const before = await Promise.all(paths.map(version));
  const keyBefore = await key();
  await release.upgrade({ replicas: 2, database: { existingSecret: 'database' } });
  expect(await Promise.all((await pathsOfRelease()).map(version))).toEqual(before);
  expect(keyBefore).toMatchObject({ data: { key: expect.any(String) as string } });
  expect(await key()).toMatchObject({ data: (keyBefore as { data: unknown }).data as object });
});

it('lets a disruption take one of the pods at a time', async () => {
  const { admin, name, namespaces } = release;
  const budget = await admin.call(
    'GET',
    `/apis/policy/v1/namespaces/${namespaces.gate}/poddisruptionbudgets/${name}`,
  );
  expect(budget).toMatchObject({ spec: { maxUnavailable: 1 } });
});

it('is removed without a trace, but for what was decided and the key', async () => {
  const { admin, name, namespaces } = release;
  const paths = await pathsOfRelease();
  await release.helm('uninstall', name, '--wait');
  const left: string[] = [];
  for (const path of paths) {
    const there = await admin.call('GET', path).then(
      () => true,
      () => false,
    );
    if (there) left.push(path.split('/').slice(-2).join('/'));
  }
  expect(left.sort()).toEqual([
    `persistentvolumeclaims/${name}-state`,
    `secrets/${name}-agent-key`,
  ]);
  const deployments = listSchema.parse(
    await admin.call('GET', `/apis/apps/v1/namespaces/${namespaces.gate}/deployments`),
  );
  expect(deployments.items).toEqual([]);
});
