/** Does the machine have what a measurement takes, and are folders, clock and ports as they have to be? */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ComponentStatus } from '../../platforms/local/component.ts';
import { portHolder } from '../../platforms/local/port-holder.ts';
import { isPortFree } from '../../processes/free-port.ts';
import type { Settings } from '../../settings/environment.ts';
import { machineShare } from '../../settings/node-resources.ts';
import { areaOf, wordsOf } from './finding.ts';
import type { Finding } from './finding.ts';

const GIB = 1024 ** 3;
const LEAST_FREE = GIB;
const COMFORTABLE_FREE = 5 * GIB;
const LEAST_CORES = 2;
/** A node is an httpd and a JVM. */
const LEAST_NODE_MIB = 384;
const LEAST_FILES = 4_096;
/** Shares of a core that others may use while a window counts (README). */
const BUSY_CORES = 0.75;
const SKEW_MS = 2_000;

export function checkMachine(): readonly Finding[] {
  const area = areaOf('machine');
  const cores = availableParallelism();
  const { fileDescriptors, memoryMiB } = machineShare();
  const busy = loadavg()[0] ?? 0;
  return [
    cores >= LEAST_CORES
      ? area.ok(`${cores} cores`)
      : area.warning(
          `${cores} core: sender and nodes share it, windows will be spoilt`,
          `give the machine at least ${LEAST_CORES} cores`,
        ),
    memoryMiB >= LEAST_NODE_MIB
      ? area.ok(`${memoryMiB} MiB of memory for each of eight nodes`)
      : area.warning(
          `${memoryMiB} MiB of memory for each node: less than ${LEAST_NODE_MIB}`,
          'give the machine more memory',
        ),
    fileDescriptors >= LEAST_FILES
      ? area.ok('the limit of open files is high enough')
      : area.warning(
          `a process may open only ${fileDescriptors} files`,
          `raise the limit: ulimit -n ${LEAST_FILES} (LimitNOFILE= in systemd)`,
        ),
    busy <= BUSY_CORES
      ? area.ok(`quiet enough to measure (load ${busy.toFixed(2)})`)
      : area.warning(
          `the load of the last minute is ${busy.toFixed(2)}: a window does not count when others than the gate use more than ${BUSY_CORES} cores`,
          'unless the gate itself measures now, see with top who it is; gate where nothing else runs',
        ),
  ];
}

/** @param folder of the service's state; it need not exist yet */
export async function checkFolder(name: string, folder: string): Promise<readonly Finding[]> {
  const area = areaOf('folders');
  const existing = await nearest(folder);
  try {
    await access(existing, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      area.problem(
        `the ${name} ${folder} cannot be written by this user (${existing})`,
        `let this user own it, or choose another one`,
      ),
    ];
  }
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const words = `the ${name} ${folder} has ${(free / GIB).toFixed(1)} GiB free`;
  const remedy = 'make room: samples and logs are kept there (retentionDays says how long)';
  if (free < LEAST_FREE) return [area.problem(words, remedy)];
  return [free < COMFORTABLE_FREE ? area.warning(words, remedy) : area.ok(words)];
}

/** Compares with the file system's clock, and asks systemd whether somebody sets ours. */
export async function checkClock(folder: string): Promise<readonly Finding[]> {
  const area = areaOf('clock');
  const findings: Finding[] = [];
  const probe = join(await nearest(folder), `.speed-gate-clock-${process.pid}`);
  try {
    await writeFile(probe, '');
    const skew = Math.abs((await stat(probe)).mtimeMs - Date.now());
    if (skew > SKEW_MS) {
      findings.push(
        area.warning(
          `the file system of ${folder} is ${(skew / 1000).toFixed(0)} s off`,
          'set the clocks of both machines by NTP: expiries and leases rest on them',
        ),
      );
    }
  } catch {
    // That the folder cannot be written is said by its own check.
  } finally {
    await rm(probe, { force: true });
  }
  const synchronised = await promisify(execFile)(
    'timedatectl',
    ['show', '--property=NTPSynchronized', '--value'],
    { timeout: 5_000 },
  ).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown',
  );
  if (synchronised === 'no') {
    findings.push(
      area.warning(
        'nobody sets the clock by NTP',
        'timedatectl set-ntp true (expiries and tokens rest on it)',
      ),
    );
  }
  return findings.length > 0 ? findings : [area.ok(new Date().toISOString())];
}

/** @param components of the state folder, whose ports are their own */
export async function checkPorts(
  { listen, platform, ports }: Pick<Settings, 'listen' | 'platform' | 'ports'>,
  components: readonly ComponentStatus[],
): Promise<readonly Finding[]> {
  const area = areaOf('ports');
  const check = async (port: number, what: string, variable: string): Promise<Finding> => {
    if (port === 0 || (await isPortFree(port))) {
      return area.ok(port === 0 ? `${what} takes any free port` : `${port} is free for ${what}`);
    }
    const own = components.find((one) => one.running && one.ports.some((its) => its.port === port));
    if (own !== undefined) return area.ok(`${port} is held by ${own.title}, as it should be`);
    const holder = portHolder(port);
    const who =
      holder === undefined
        ? 'a process of another user'
        : `process ${holder.pid} (${holder.command.slice(0, 100)})`;
    if (holder !== undefined && / serve( |$)/.test(holder.command)) {
      return area.ok(`${port} is held by a gate service that is serving, ${who}`);
    }
    return area.problem(
      `${port}, needed for ${what}, is held by ${who}`,
      `end it, or set ${variable}`,
    );
  };
  const api = await check(listen.port, 'the API', 'SPEED_GATE_LISTEN');
  if (platform.kind === 'kubernetes') return [api];
  return [
    api,
    await check(ports.staging, "staging's proxy", 'SPEED_GATE_STAGING_PORT'),
    await check(ports.production, "production's proxy", 'SPEED_GATE_PRODUCTION_PORT'),
  ];
}

/** The folder, or the one above it that is there. */
async function nearest(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    const above = dirname(folder);
    if (above === folder) throw new Error(wordsOf(error), { cause: error });
    return nearest(above);
  }
}
