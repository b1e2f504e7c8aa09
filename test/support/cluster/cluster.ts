/** The test cluster as a whole: brought up and taken down. */
import { existsSync } from 'node:fs';
import { interrupted, SetupError } from '../../../resources/components/command.ts';
import { withLock } from '../../../resources/components/lock.mjs';
import { baseImages, importMissing } from './base-images.ts';
import type { BaseImages } from './base-images.ts';
import { apiServer, controllerManager, etcd, kubectl, scheduler } from './control-plane.ts';
import { makeKeys } from './keys.ts';
import { defaultLayout, pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';
import { prepareMachine, rememberMachine } from './machine.ts';
import { meshSteps } from './mesh.ts';
import { containerd, kubelet, kubeProxy } from './node.ts';
import { ensurePackages, requireRoot } from './packages.ts';
import { tell, told } from './progress.ts';
import { buildPrograms } from './programs.ts';
import type { Programs } from './programs.ts';
import { ensureRunning, requireFreePorts } from './supervise.ts';
import type { Component } from './supervise.ts';
import { isAlive, isThere, takeDown } from './takedown.ts';

/** A running cluster, for tests. */
export interface Cluster {
  /** Of an admin. */
  readonly kubeconfig: string;
  readonly programs: Programs;
  readonly images: BaseImages;
  /** Runs the cluster's kubectl as admin; what it printed. @throws Error with its complaint */
  kubectl(...args: readonly string[]): Promise<string>;
}

/** Names of the processes, in the order of their start. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'containerd',
  'kubelet',
  'kube-proxy',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** How each process is started. */
export function componentsOf(
  layout: ClusterLayout,
  programs: Programs,
  images: BaseImages,
): Readonly<Record<ComponentName, Component>> {
  return {
    etcd: etcd(layout),
    'kube-apiserver': apiServer(layout, programs),
    'kube-controller-manager': controllerManager(layout, programs),
    'kube-scheduler': scheduler(layout, programs),
    containerd: containerd(layout, images.pause.name),
    kubelet: kubelet(layout, programs),
    'kube-proxy': kubeProxy(layout, programs),
  };
}

/**
 * Brings cluster and mesh up, or repairs what is missing of them; on a running cluster nothing changes. One of which
 * nothing runs any more is made anew: what etcd remembers of pods and addresses was true before the machine's restart.
 * @throws SetupError naming the component and the end of its log, or what the machine lacks
 */
export async function clusterUp(layout: ClusterLayout = defaultLayout): Promise<Cluster> {
  requireRoot();
  await ensurePackages();
  const programs = await buildPrograms();
  const images = await baseImages(programs);
  await exclusively(layout, () => bringUp(layout, programs, images));
  return clusterOf(layout, programs, images);
}

/** Takes the cluster away. @returns false when there was none */
export async function clusterDown(layout: ClusterLayout = defaultLayout): Promise<boolean> {
  requireRoot();
  return exclusively(layout, async () => {
    if (!isThere(layout)) return false;
    await told('down', () => takeDown(layout));
    return true;
  });
}

/** The cluster that runs already, without a look at it. @throws SetupError when there is none */
export async function runningCluster(layout: ClusterLayout = defaultLayout): Promise<Cluster> {
  if (!existsSync(pathsOf(layout).kubeconfig)) {
    throw new SetupError('the test cluster is not up; start it with "npm run cluster -- up"');
  }
  const programs = await buildPrograms();
  return clusterOf(layout, programs, await baseImages(programs));
}

function clusterOf(layout: ClusterLayout, programs: Programs, images: BaseImages): Cluster {
  return {
    kubeconfig: pathsOf(layout).kubeconfig,
    programs,
    images,
    kubectl: (...args) => kubectl(programs, args, layout),
  };
}

async function exclusively<T>(layout: ClusterLayout, work: () => Promise<T>): Promise<T> {
  // Not in a folder that `down` removes.
  return withLock(`${layout.run}.lock`, work, (owner) => {
    tell(`another "npm run cluster" is at work (process ${owner}); waits for its end`);
  });
}

async function bringUp(
  layout: ClusterLayout,
  programs: Programs,
  images: BaseImages,
): Promise<void> {
  if (isThere(layout) && !(await isAlive(layout))) {
    await told('remains of one that was not taken down', () => takeDown(layout));
  }
  const components = componentsOf(layout, programs, images);
  await requireFreePorts(layout, Object.values(components));
  await rememberMachine(layout);
  await prepareMachine(layout);
  await told('keys', () => makeKeys(layout));
  const start = (name: ComponentName) => told(name, () => ensureRunning(layout, components[name]));
  const mesh = meshSteps(layout, programs, images);
  await start('etcd');
  await start('kube-apiserver');
  await together(
    async () => {
      await start('kube-controller-manager');
      await start('kube-scheduler');
    },
    async () => {
      await start('containerd');
      const all = [images.pause, images.istiod, images.envoy];
      await told('images', () => importMissing(all, layout));
      await start('kubelet');
      await start('kube-proxy');
    },
    () => told("Istio's definitions", mesh.definitions),
  );
  await told('istiod', mesh.istiod);
  await told("istiod's validation", mesh.validation);
  await told('gateways', mesh.gateways);
}

/** Does all of it side by side; throws only when nothing of it is at work any more. */
async function together(...works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const results = await Promise.allSettled(works.map((work) => work()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  interrupted.throwIfAborted();
}
