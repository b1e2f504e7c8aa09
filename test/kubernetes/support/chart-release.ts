/** The chart installed on the test cluster, in namespaces that are there for this test alone. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../support/processes.ts';
import { apiServer, KUBECONFIG, type ApiServer } from './api-server.ts';
import { CHART, LEAST, valuesFile, type Values } from './chart.ts';
import { buildHelm, type Helm } from './helm.ts';

export interface ChartRelease {
  readonly admin: ApiServer;
  readonly folder: string;
  readonly name: string;
  readonly namespaces: {
    readonly gate: string;
    readonly staging: string;
    readonly production: string;
  };
  /** User names of the accounts, as the API server has them. */
  readonly users: { readonly gate: string; readonly staging: string; readonly production: string };
  /** helm with this release's namespace. */
  helm(...args: readonly string[]): Promise<string>;
  /** Installs where nothing is installed yet. */
  upgrade(values: Values): Promise<string>;
  /** Takes everything away, and waits until the namespaces are gone. */
  remove(): Promise<void>;
}

/** Installs, without waiting for pods. */
export async function installChart(values: Values = {}): Promise<ChartRelease> {
  const release = await prepareRelease();
  try {
    await release.upgrade(values);
  } catch (error) {
    await release.remove();
    throw error;
  }
  return release;
}

/** Makes the namespaces and installs nothing: the first `upgrade` does. */
export async function prepareRelease(): Promise<ChartRelease> {
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-release-'));
  const helm = await buildHelm(folder);
  const admin = apiServer();
  const id = randomBytes(3).toString('hex');
  const namespaces = {
    gate: `gate-${id}`,
    staging: `shop-staging-${id}`,
    production: `shop-${id}`,
  };
  const name = `gate-${id}`;
  const user = (suffix: string): string =>
    `system:serviceaccount:${namespaces.gate}:${name}${suffix}`;
  const release: ChartRelease = {
    admin,
    folder,
    name,
    namespaces,
    users: { gate: user(''), staging: user('-staging'), production: user('-production') },
    helm: async (...args) => helmHere(helm, namespaces.gate, args),
    upgrade: async (more) =>
      release.helm(
        ...['upgrade', '--install', name, CHART, '--values'],
        await valuesFile(folder, { ...LEAST, services: servicesOf(namespaces), ...more }),
      ),
    async remove() {
      await release.helm('uninstall', name, '--ignore-not-found').catch(() => undefined);
      for (const namespace of Object.values(namespaces)) {
        await admin.call('DELETE', `/api/v1/namespaces/${namespace}`).catch(() => undefined);
      }
      await until(
        'the namespaces are gone',
        async () => {
          const left = await Promise.all(
            Object.values(namespaces).map((one) => isThere(admin, one)),
          );
          return left.includes(true) ? undefined : true;
        },
        { withinMs: 120_000, everyMs: 500 },
      );
      await admin.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  for (const namespace of Object.values(namespaces)) {
    await admin.call('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
  }
  return release;
}

function servicesOf({ staging, production }: ChartRelease['namespaces']): readonly Values[] {
  return [
    {
      name: 'checkout',
      staging: { namespace: staging },
      production: { namespace: production, deployment: 'checkout', virtualServices: ['site'] },
    },
  ];
}

async function helmHere(helm: Helm, namespace: string, args: readonly string[]): Promise<string> {
  return helm.helm([...args, '--namespace', namespace, '--kubeconfig', KUBECONFIG]);
}

async function isThere(admin: ApiServer, namespace: string): Promise<boolean> {
  return admin.call('GET', `/api/v1/namespaces/${namespace}`).then(
    () => true,
    () => false,
  );
}
