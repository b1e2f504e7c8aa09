/** etcd, kube-apiserver, controller manager and scheduler: what the test cluster runs them with, and why. */
import path from 'node:path';
import { run } from '../../../resources/components/command.ts';
import { isPortFree } from '../../../gate-service/src/processes/free-port.ts';
import { keyFiles } from './keys.ts';
import { defaultLayout, pathsOf, POD_RANGE, SERVICE_RANGE } from './layout.ts';
import type { ClusterLayout } from './layout.ts';
import type { Programs } from './programs.ts';
import type { Component } from './supervise.ts';

const LOOPBACK = '127.0.0.1';
/** The default of 20 requests a second costs the controllers four seconds at their start. */
const CLIENT_RATE = ['--kube-api-qps=300', '--kube-api-burst=600'];

/** Runs the cluster's own kubectl as admin. @throws SetupError with its complaint */
export async function kubectl(
  programs: Pick<Programs, 'kubernetes'>,
  args: readonly string[],
  layout: ClusterLayout = defaultLayout,
): Promise<string> {
  const where = ['--kubeconfig', pathsOf(layout).kubeconfig];
  return (await run(programs.kubernetes, ['kubectl', ...where, ...args])).stdout;
}

export function etcd(layout: ClusterLayout): Component {
  const client = `http://${LOOPBACK}:${layout.ports.etcd}`;
  const peer = `http://${LOOPBACK}:${layout.ports.etcdPeer}`;
  return {
    name: 'etcd',
    command: 'etcd',
    args: [
      ...['--name', 'test', '--data-dir', layout.etcdData, '--log-level', 'warn'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `test=${peer}`],
    ],
    listens: [layout.ports.etcd, layout.ports.etcdPeer].map((port) => ({
      address: LOOPBACK,
      port,
    })),
    ready: () => answers(`${client}/health`),
    withinMs: 60_000,
    killAtOnce: true,
  };
}

export function apiServer(layout: ClusterLayout, programs: Programs): Component {
  const keys = keyFiles(layout);
  return {
    name: 'kube-apiserver',
    command: programs.kubernetes,
    args: [
      'kube-apiserver',
      `--etcd-servers=http://${LOOPBACK}:${layout.ports.etcd}`,
      // A loopback interface's address is fine here, 127.0.0.1 would not be: pods must reach it.
      `--bind-address=${layout.address}`,
      `--advertise-address=${layout.address}`,
      `--secure-port=${layout.ports.api}`,
      `--service-cluster-ip-range=${SERVICE_RANGE}`,
      '--authorization-mode=Node,RBAC',
      `--token-auth-file=${keys.tokens}`,
      `--client-ca-file=${keys.authority}`,
      `--tls-cert-file=${keys.server}`,
      `--tls-private-key-file=${keys.serverKey}`,
      `--cert-dir=${layout.state}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${keys.serviceAccounts}`,
      `--service-account-signing-key-file=${keys.serviceAccountsKey}`,
      `--kubelet-client-certificate=${keys.kubeletClient}`,
      `--kubelet-client-key=${keys.kubeletClientKey}`,
      '--kubelet-preferred-address-types=InternalIP',
      // Nobody uses this door; controllers fill their logs with errors while it is not described.
      `--requestheader-client-ca-file=${keys.authority}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--allow-privileged=true',
      '--profiling=false',
    ],
    listens: [{ address: layout.address, port: layout.ports.api }],
    ready: async () => {
      await kubectl(programs, ['get', '--raw', '/readyz'], layout);
      return true;
    },
    withinMs: 120_000,
    // Asked politely it drains watches for a minute.
    killAtOnce: true,
  };
}

export function controllerManager(layout: ClusterLayout, programs: Programs): Component {
  const keys = keyFiles(layout);
  return {
    ...controller('controller-manager', layout, programs, layout.ports.controllerManager, [
      '--use-service-account-credentials',
      `--root-ca-file=${keys.authority}`,
      `--service-account-private-key-file=${keys.serviceAccountsKey}`,
      `--cluster-signing-cert-file=${keys.authority}`,
      `--cluster-signing-key-file=${keys.authorityKey}`,
      '--allocate-node-cidrs',
      `--cluster-cidr=${POD_RANGE}`,
      `--service-cluster-ip-range=${SERVICE_RANGE}`,
    ]),
    // Pods need it, and it comes only when the controllers work.
    ready: async () => {
      await kubectl(programs, ['-n', 'default', 'get', 'serviceaccount', 'default'], layout);
      return true;
    },
  };
}

export function scheduler(layout: ClusterLayout, programs: Programs): Component {
  const { scheduler: port } = layout.ports;
  return controller('scheduler', layout, programs, port, []);
}

function controller(
  name: 'controller-manager' | 'scheduler',
  layout: ClusterLayout,
  programs: Programs,
  port: number,
  args: readonly string[],
): Component {
  const kubeconfig = keyFiles(layout).kubeconfig(name);
  return {
    name: `kube-${name}`,
    command: programs.kubernetes,
    args: [
      `kube-${name}`,
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--leader-elect=false',
      ...CLIENT_RATE,
      `--bind-address=${LOOPBACK}`,
      `--secure-port=${port}`,
      `--cert-dir=${path.join(layout.state, name)}`,
      ...args,
    ],
    listens: [{ address: LOOPBACK, port }],
    ready: async () => !(await isPortFree(port, LOOPBACK)),
    withinMs: 120_000,
    killAtOnce: true,
  };
}

/** Whether a plain HTTP address answers 200. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  await response.body?.cancel();
  return response.ok;
}
