/** What the cluster changes on this machine outside its own folders, and how it is as before again. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run, SetupError, tryRun } from '../../../resources/components/command.ts';
import { foreignChains, removeChains } from './firewall.ts';
import { BRIDGE, pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';

/** Settings that kubelet, kube-proxy and the bridge plugin write. */
const settings = [
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'net/bridge/bridge-nf-call-iptables',
  'net/ipv4/conf/all/route_localnet',
  'net/ipv4/ip_forward',
  'net/ipv4/vs/conntrack',
];
/** Folders whose place cannot be chosen. */
const folders = ['/var/lib/kubelet', '/var/lib/cni', '/var/log/containers', '/opt/containerd'];
/** The same, but a Docker engine may have come to use them meanwhile; innermost first. */
const sharedFolders = ['/run/containerd/s', '/run/containerd'];

/** How the machine was before the cluster came. */
export interface MachineBefore {
  readonly settings: Readonly<Record<string, string>>;
  /** Folders that were not there and are the cluster's alone. */
  readonly absent: readonly string[];
  /** Folders that were not there and are removed only when nobody else has put anything into them. */
  readonly absentShared: readonly string[];
}

/**
 * Writes down, once, how the machine is, before anything of it is changed.
 * @throws SetupError when another Kubernetes has its firewall chains here
 */
export async function rememberMachine(layout: ClusterLayout): Promise<void> {
  const { machine } = pathsOf(layout);
  if (existsSync(machine)) return;
  const chains = await foreignChains();
  if (chains.length > 0) {
    throw new SetupError(
      `another Kubernetes seems to use this machine: there are firewall chains ${chains.slice(0, 3).join(', ')}` +
        `${chains.length > 3 ? ' and more' : ''}. Two cannot share one machine. Stop it and have it clean up ` +
        '("kube-proxy --cleanup", or restart the machine).',
    );
  }
  const before: MachineBefore = {
    settings: await currentSettings(),
    absent: folders.filter((folder) => !existsSync(folder)),
    absentShared: sharedFolders.filter((folder) => !existsSync(folder)),
  };
  await mkdir(layout.state, { recursive: true, mode: 0o700 });
  await writeFile(machine, JSON.stringify(before, null, 2));
}

export async function machineBefore(layout: ClusterLayout): Promise<MachineBefore | undefined> {
  const { machine } = pathsOf(layout);
  if (!existsSync(machine)) return undefined;
  return JSON.parse(await readFile(machine, 'utf8')) as MachineBefore;
}

/** Gives the node an address that pods can reach and the outside cannot, and lets packets of pods through. */
export async function prepareMachine(layout: ClusterLayout): Promise<void> {
  const shown = await run('ip', ['-o', 'address', 'show', 'dev', 'lo']);
  if (!shown.stdout.includes(` ${layout.address}/32 `)) {
    await run('ip', ['address', 'add', `${layout.address}/32`, 'dev', 'lo']);
  }
  await writeSetting('net/ipv4/ip_forward', '1');
}

/** Takes back what {@link prepareMachine} and the components did. Each step may have been done already. */
export async function restoreMachine(
  layout: ClusterLayout,
  before: MachineBefore | undefined,
): Promise<void> {
  await tryRun('ip', ['link', 'delete', BRIDGE]);
  await tryRun('ip', ['address', 'delete', `${layout.address}/32`, 'dev', 'lo']);
  if (before === undefined) return;
  await removeChains();
  for (const [name, value] of Object.entries(before.settings)) await writeSetting(name, value);
  for (const folder of before.absent) await rm(folder, { recursive: true, force: true });
  for (const folder of before.absentShared) await rmdir(folder).catch(() => undefined);
}

/** Settings that are not as they were, each with both values. */
export async function changedSettings(before: MachineBefore): Promise<readonly string[]> {
  const now = await currentSettings();
  return Object.entries(before.settings)
    .filter(([name, value]) => now[name] !== value)
    .map(([name, value]) => `${name} is ${now[name] ?? 'gone'}, was ${value}`);
}

/** Interfaces and addresses of the cluster that are there. */
export async function interfaces(layout: ClusterLayout): Promise<readonly string[]> {
  const links = (await run('ip', ['-o', 'address'])).stdout.split('\n');
  const bridge = await tryRun('ip', ['-o', 'link', 'show', 'dev', BRIDGE]);
  return [
    ...(bridge.code === 0 ? [`interface ${BRIDGE}`] : []),
    ...(links.some((line) => line.includes(` ${layout.address}/32 `))
      ? [`address ${layout.address} on lo`]
      : []),
  ];
}

async function currentSettings(): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const name of settings) {
    const value = await readFile(path.join('/proc/sys', name), 'utf8').catch(() => undefined);
    if (value !== undefined) values[name] = value.trim();
  }
  return values;
}

/** Writes a kernel setting; one that went with its module is left alone. */
async function writeSetting(name: string, value: string): Promise<void> {
  const file = path.join('/proc/sys', name);
  const now = await readFile(file, 'utf8').catch(() => undefined);
  // Writing ip_forward resets other settings, even when it writes what is there.
  if (now === undefined || now.trim() === value) return;
  await writeFile(file, value);
}
