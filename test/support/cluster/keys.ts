/** Keys, certificates, tokens and kubeconfigs of the test cluster. Made anew with every cluster, readable by root only. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../../resources/components/command.ts';
import { API_SERVICE_ADDRESS, NODE_NAME, pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';

const DAYS = '30';

/** Who talks to the API server with a token, and the groups it belongs to. */
const users = {
  admin: { user: 'admin', group: 'system:masters' },
  'controller-manager': { user: 'system:kube-controller-manager', group: '' },
  scheduler: { user: 'system:kube-scheduler', group: '' },
  proxy: { user: 'system:kube-proxy', group: '' },
  node: { user: `system:node:${NODE_NAME}`, group: 'system:nodes' },
} as const;
export type ClusterUser = keyof typeof users;

/** The files that the components are told about. */
export function keyFiles(layout: ClusterLayout) {
  const { keys } = pathsOf(layout);
  const file = (name: string) => path.join(keys, name);
  return {
    authority: file('authority.crt'),
    authorityKey: file('authority.key'),
    server: file('server.crt'),
    serverKey: file('server.key'),
    kubeletClient: file('kubelet-client.crt'),
    kubeletClientKey: file('kubelet-client.key'),
    kubelet: file('kubelet.crt'),
    kubeletKey: file('kubelet.key'),
    serviceAccounts: file('service-accounts.pub'),
    serviceAccountsKey: file('service-accounts.key'),
    tokens: file('tokens.csv'),
    kubeconfig: (user: ClusterUser) => file(`${user}.kubeconfig`),
  };
}

/** Makes all keys, once: an existing set is kept, a half-made one is made again. */
export async function makeKeys(layout: ClusterLayout): Promise<void> {
  const { keys, kubeconfig } = pathsOf(layout);
  if (!existsSync(keys)) {
    const folder = `${keys}.incomplete`;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await makeCertificates(folder, layout);
    await makeTokens(folder, layout);
    for (const name of await readdir(folder)) await chmod(path.join(folder, name), 0o600);
    await rename(folder, keys);
  }
  const admin = await readFile(keyFiles(layout).kubeconfig('admin'));
  await writeFile(kubeconfig, admin, { mode: 0o600 });
}

async function makeCertificates(folder: string, layout: ClusterLayout): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const key = (name: string) =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  await key('authority');
  await openssl(
    ...['req', '-x509', '-new', '-key', 'authority.key', '-days', DAYS],
    ...['-subj', '/CN=speed-gate-test-cluster', '-out', 'authority.crt'],
  );
  const certificate = async (name: string, subject: string, addresses: readonly string[] = []) => {
    await key(name);
    await openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
    const lines = ['keyUsage=digitalSignature', 'extendedKeyUsage=serverAuth,clientAuth'];
    if (addresses.length > 0) lines.push(`subjectAltName=${addresses.join(',')}`);
    await writeFile(path.join(folder, `${name}.ext`), `${lines.join('\n')}\n`);
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'authority.crt', '-CAkey', 'authority.key'],
      ...['-CAcreateserial', '-days', DAYS, '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
  };
  const kubernetes = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'];
  await certificate('server', '/CN=kube-apiserver', [
    ...['127.0.0.1', layout.address, API_SERVICE_ADDRESS].map((address) => `IP:${address}`),
    ...kubernetes.map((name) => `DNS:${name}`),
  ]);
  await certificate('kubelet', `/O=system:nodes/CN=system:node:${NODE_NAME}`, [
    `IP:${layout.address}`,
    `DNS:${NODE_NAME}`,
  ]);
  await certificate('kubelet-client', '/O=system:masters/CN=kube-apiserver-kubelet-client');
  await openssl('genrsa', '-out', 'service-accounts.key', '2048');
  await openssl(
    ...['rsa', '-in', 'service-accounts.key', '-pubout', '-out', 'service-accounts.pub'],
  );
}

async function makeTokens(folder: string, layout: ClusterLayout): Promise<void> {
  const authority = await readFile(path.join(folder, 'authority.crt'));
  const rows: string[] = [];
  for (const [name, { user, group }] of Object.entries(users)) {
    const token = randomBytes(24).toString('hex');
    rows.push(`${token},${user},${name},"${group}"`);
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'speed-gate-test',
          cluster: {
            server: `https://${layout.address}:${layout.ports.api}`,
            'certificate-authority-data': authority.toString('base64'),
          },
        },
      ],
      users: [{ name, user: { token } }],
      contexts: [{ name: 'speed-gate-test', context: { cluster: 'speed-gate-test', user: name } }],
      'current-context': 'speed-gate-test',
    };
    // JSON is YAML.
    await writeFile(path.join(folder, `${name}.kubeconfig`), JSON.stringify(kubeconfig, null, 2));
  }
  await writeFile(path.join(folder, 'tokens.csv'), `${rows.join('\n')}\n`);
}
