/** Where httpd's children find their pool file, whoever they run as. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

export interface HttpdUser {
  readonly name: string;
  readonly group: string;
}

const USUAL_USERS = ['www-data', 'apache', 'daemon', 'nobody'];

/** The user whom httpd's children run as: httpd refuses to serve as root; without root there is no choice. */
export function httpdUser(): HttpdUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = table('/etc/passwd');
  const groups = table('/etc/group');
  for (const name of USUAL_USERS) {
    const groupId = users.find((fields) => fields[0] === name)?.[3];
    const group = groups.find((fields) => fields[2] === groupId)?.[0];
    if (groupId !== undefined && group !== undefined) return { name, group };
  }
  throw new Error(
    `httpd started by root needs an unprivileged user; none of ${USUAL_USERS.join(', ')} exists`,
  );
}

function table(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
}

/**
 * A folder that lasts as long as the node and that httpd's children can read: inside the node's
 * own folder, or, where root has closed that to others (below /root, a mkdtemp folder), in
 * /run/speed-gate under a name made of the node folder's path.
 */
export async function httpdRuntimeDirectory(nodeDirectory: string): Promise<string> {
  const own = join(nodeDirectory, 'httpd', 'run');
  await mkdir(own, { recursive: true });
  if (process.getuid?.() !== 0) return own;
  await chmod(join(nodeDirectory, 'httpd'), 0o755);
  await chmod(own, 0o755);
  if (othersMayEnter(own)) return own;
  const digest = createHash('sha256').update(resolve(nodeDirectory)).digest('hex').slice(0, 16);
  const parent = '/run/speed-gate';
  const folder = join(parent, digest);
  for (const path of [parent, folder]) {
    await mkdir(path, { recursive: true });
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== 0) {
      throw new Error(`${path} must be a folder of root's; remove what is there`);
    }
    await chmod(path, 0o755);
  }
  return folder;
}

function othersMayEnter(folder: string): boolean {
  const EXECUTE_BY_OTHERS = 0o001;
  for (let path = resolve(folder); ; path = dirname(path)) {
    if ((statSync(path).mode & EXECUTE_BY_OTHERS) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
