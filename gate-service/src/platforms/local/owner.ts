/** Only one gate service at a time changes a platform. */
import { isRunning } from '../../processes/detached-process.ts';
import { bootId, readStat } from '../../processes/proc-stat.ts';
import {
  readProcessRecord,
  removeProcessRecord,
  writeProcessRecord,
} from '../../processes/process-record.ts';
import { PlatformError } from '../platform.ts';

/** @throws PlatformError `refused` when another living process has the platform */
export async function takeOwnership(ownerFile: string): Promise<void> {
  const owner = await readProcessRecord(ownerFile);
  if (owner !== undefined && owner.pid !== process.pid && isRunning(owner)) {
    throw new PlatformError(
      'refused',
      `Process ${owner.pid} (${owner.command.join(' ').slice(0, 120)}) uses this state folder. End it, or choose another one with --state.`,
    );
  }
  const startTime = readStat(process.pid)?.startTime ?? 0;
  const command = process.argv.length > 0 ? process.argv : ['node'];
  await writeProcessRecord(ownerFile, { pid: process.pid, startTime, command, bootId: bootId() });
}

export async function giveUpOwnership(ownerFile: string): Promise<void> {
  const owner = await readProcessRecord(ownerFile);
  if (owner?.pid === process.pid) await removeProcessRecord(ownerFile);
}
