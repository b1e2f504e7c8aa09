/** Installs Debian packages, without starting any daemon that they bring. */
import { existsSync } from 'node:fs';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { run, SetupError, tryRun } from './command.ts';

const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# Written by the set-up of Speed Gate while it installs packages.';

/** A thing that is missing, and the Debian package that brings it. */
export interface Missing {
  readonly problem: string;
  readonly whatFor: string;
  readonly packages: readonly string[];
}

/** The message for a person: what is missing, what for, the one command that installs all of it. */
export function describeMissing(missing: readonly Missing[], hindrance: string): string {
  const packages = [...new Set(missing.flatMap((item) => item.packages))].join(' ');
  return [
    'Speed Gate needs what is not on this machine:',
    ...missing.map((item) => `  - ${item.problem} (for ${item.whatFor})`),
    `${hindrance} On Debian and Ubuntu:`,
    `  sudo apt-get update && sudo apt-get install --no-install-recommends ${packages}`,
  ].join('\n');
}

/** Removes the policy that a killed set-up left; the machine's own is not touched. */
export async function removeLeftPolicy(): Promise<void> {
  const text = await readFile(policyFile, 'utf8').catch(() => '');
  if (text.includes(policyMark)) await rm(policyFile);
}

/** Forbids the start of daemons during `work`, unless the machine has a policy of its own. */
async function withoutDaemons(work: () => Promise<void>): Promise<void> {
  if (existsSync(policyFile)) {
    await work();
    return;
  }
  try {
    await writeFile(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`);
    await chmod(policyFile, 0o755);
    await work();
  } finally {
    await rm(policyFile, { force: true });
  }
}

/** @throws SetupError naming the command for a person, when apt or the right to use it is missing */
export async function requireApt(missing: readonly Missing[]): Promise<void> {
  if ((await tryRun('apt-get', ['--version'])).code !== 0) {
    throw new SetupError(describeMissing(missing, 'Install it with your package manager.'));
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      describeMissing(missing, 'Installing it needs root, so it was left to you.'),
    );
  }
}

/** Installs the packages of everything that is missing. Needs root. */
export async function installPackages(missing: readonly Missing[]): Promise<void> {
  const packages = [...new Set(missing.flatMap((item) => item.packages))];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt-get may be at work (unattended upgrades): wait for it rather than fail.
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  await withoutDaemons(async () => {
    await run('apt-get', [...wait, 'update', '-qq'], { env });
    const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    await run('apt-get', [...wait, ...install], { env, finish: true });
  });
}
