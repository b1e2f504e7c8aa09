/** What the cluster takes from Debian, and the right that it needs. */
import { existsSync } from 'node:fs';
import { SetupError } from '../../../resources/components/command.ts';
import { installPackages, requireApt } from '../../../resources/components/debian.ts';
import type { Missing } from '../../../resources/components/debian.ts';
import { whichAll } from '../../../resources/components/machine.ts';
import { told } from './progress.ts';

const programs: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  etcd: 'etcd-server',
  ip: 'iproute2',
  iptables: 'iptables',
  openssl: 'openssl',
  runc: 'runc',
  tar: 'tar',
};

/** @throws SetupError on anything but Linux, and without root */
export function requireRoot(platform = process.platform, user = process.getuid?.()): void {
  if (platform !== 'linux') {
    throw new SetupError(`the test cluster needs Linux; this is ${platform}`);
  }
  if (user !== 0) {
    throw new SetupError(
      'the test cluster needs root: it makes network namespaces, mounts and firewall rules. ' +
        'Start it with "sudo npm run cluster -- …". Only "build" goes without.',
    );
  }
}

/** Installs what is missing. @throws SetupError naming the packages when that cannot be done */
export async function ensurePackages(): Promise<void> {
  let missing = missingPackages();
  if (missing.length === 0) return;
  await requireApt(missing);
  const names = missing.flatMap((item) => item.packages).join(' ');
  await told(`install Debian packages ${names}`, () => installPackages(missing), 'once');
  missing = missingPackages();
  if (missing.length > 0) {
    throw new SetupError(`still missing: ${missing.map((item) => item.problem).join(', ')}`);
  }
}

function missingPackages(): readonly Missing[] {
  const found = Object.entries(programs)
    .filter(([program]) => whichAll(program).length === 0)
    .map(([program, name]) => missing(program, name));
  const plugins = existsSync('/usr/lib/cni/bridge');
  return plugins ? found : [...found, missing('the bridge plugin', 'containernetworking-plugins')];
}

function missing(what: string, name: string): Missing {
  return { problem: `${what} was not found`, whatFor: 'the test cluster', packages: [name] };
}
