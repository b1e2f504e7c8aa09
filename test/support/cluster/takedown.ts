/** Takes the cluster away again, and looks whether anything of it is left. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { SetupError, tryRun } from '../../../resources/components/command.ts';
import { foreignChains } from './firewall.ts';
import { ctr } from './images.ts';
import { pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';
import { changedSettings, interfaces, machineBefore, restoreMachine } from './machine.ts';
import type { MachineBefore } from './machine.ts';
import { runs, startedNames, stopComponent } from './supervise.ts';
import { processesNaming, until } from '../processes.ts';

const CGROUPS = '/sys/fs/cgroup';
/** The kernel takes network namespaces apart behind our back. */
const REMAINS_WITHIN_MS = 30_000;

/** Whether anything of a cluster is on this machine. */
export function isThere(layout: ClusterLayout): boolean {
  return [layout.state, layout.run, layout.etcdData].some((folder) => existsSync(folder));
}

/** Whether any process of the cluster runs: one that limps can be repaired, and is somebody's. */
export async function isAlive(layout: ClusterLayout): Promise<boolean> {
  const running = await Promise.all((await startedNames(layout)).map((name) => runs(layout, name)));
  return running.includes(true);
}

/**
 * Stops everything and removes every trace. May be called on a cluster that is half up, crashed, or not there.
 * @throws SetupError naming what is left
 */
export async function takeDown(layout: ClusterLayout): Promise<void> {
  const before = await machineBefore(layout);
  // First whoever would start pods again.
  for (const name of ['kubelet', 'kube-proxy']) await stopComponent(layout, name);
  await endPods(layout);
  await stopComponent(layout, 'containerd');
  for (const name of await startedNames(layout)) await stopComponent(layout, name, true);
  endShims(layout);
  await unmountAll(layout);
  await restoreMachine(layout, before);
  removeCgroups();
  await rm(layout.etcdData, { recursive: true, force: true });
  await rm(layout.run, { recursive: true, force: true });
  let left: readonly string[] = [];
  await until(
    'nothing of the cluster is left',
    async () => {
      left = await remains(layout, before);
      return left.length === 0 ? true : undefined;
    },
    { withinMs: REMAINS_WITHIN_MS, everyMs: 250 },
  ).catch(() => {
    throw new SetupError(
      `of the cluster this is left; ${layout.state} was kept so that you can try again:\n  - ${left.join('\n  - ')}`,
    );
  });
  // Last, because it says what to take back.
  await rm(layout.state, { recursive: true, force: true });
}

/**
 * What is left of the cluster: processes, mounts, interfaces, firewall chains, kernel settings, control groups and
 * folders outside its state. Each in words for a person.
 */
export async function remains(
  layout: ClusterLayout,
  before: MachineBefore | undefined,
): Promise<readonly string[]> {
  const left = [
    ...processesNaming(layout.run).map((line) => `process ${line}`),
    ...mounts(layout).map((mount) => `mount ${mount}`),
    ...(await interfaces(layout)),
    ...podCgroups().map((folder) => `control group ${folder}`),
  ];
  for (const name of await startedNames(layout)) {
    if (await runs(layout, name)) left.push(`process of ${name}`);
  }
  if (before === undefined) return left;
  return [
    ...left,
    ...(await foreignChains()).map((chain) => `firewall chain ${chain}`),
    ...(await changedSettings(before)).map((setting) => `kernel setting ${setting}`),
    ...before.absent.filter((folder) => existsSync(folder)).map((folder) => `folder ${folder}`),
  ];
}

/** Kills what runs in pods and has containerd forget it, which ends the pods' shims. */
async function endPods(layout: ClusterLayout): Promise<void> {
  if (!(await runs(layout, 'containerd'))) return;
  const tasks = (await ctr(['tasks', 'ls', '--quiet'], layout)).split('\n').filter(Boolean);
  killInCgroups();
  // One that cannot be removed in order is ended with its shim.
  if (tasks.length > 0) {
    await ctr(['tasks', 'delete', '--force', ...tasks], layout).catch(() => undefined);
  }
}

function killInCgroups(): void {
  for (const folder of podCgroups()) {
    for (const pid of pidsIn(folder)) kill(pid);
  }
}

function pidsIn(folder: string): readonly number[] {
  try {
    return readFileSync(path.join(folder, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  } catch {
    // Gone with its last process.
    return [];
  }
}

function endShims(layout: ClusterLayout): void {
  killInCgroups();
  for (const line of processesNaming(`-address ${pathsOf(layout).containerdSocket}`)) {
    kill(Number(line.split(' ', 1)[0]));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Mount points in the cluster's folders, innermost first. */
function mounts(layout: ClusterLayout): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => [layout.state, layout.run].some((folder) => mount.startsWith(`${folder}/`)))
    .reverse();
}

async function unmountAll(layout: ClusterLayout): Promise<void> {
  for (const mount of mounts(layout)) {
    // Lazily: a shim that was killed a moment ago may still hold it.
    await tryRun('umount', ['--lazy', mount]);
  }
}

/** The kubelet's control groups, in each hierarchy of version 1 or in the one of version 2; innermost first. */
function podCgroups(): readonly string[] {
  if (!existsSync(CGROUPS)) return [];
  return ['.', ...readdirSync(CGROUPS)]
    .map((hierarchy) => path.join(CGROUPS, hierarchy, 'kubepods'))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => below(folder));
}

function below(folder: string): readonly string[] {
  try {
    const inner = readdirSync(folder, { withFileTypes: true })
      .filter((item) => item.isDirectory())
      .flatMap((item) => below(path.join(folder, item.name)));
    return [...inner, folder];
  } catch {
    return [];
  }
}

function removeCgroups(): void {
  for (const folder of podCgroups()) {
    try {
      rmdirSync(folder);
    } catch {
      // Still in use: told by `remains`.
    }
  }
}
