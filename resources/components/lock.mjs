/**
 * A lock file with the owner's process id: one set-up at a time. Plain JavaScript for Node 18,
 * because it also guards the installation of Node 24. A lock whose owner has died is taken over.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';

/** @param {number} pid */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the name in field 2 may itself hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** @param {string} owner */
function isAlive(owner) {
  const [pid, started] = owner.trim().split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
  return started === undefined || startTime(Number(pid)) === started;
}

/** @param {unknown} error @param {string} code */
function hasCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}

/**
 * Removes a lock whose owner died. Renamed first, so that of two who try only one succeeds; a lock
 * that somebody took in between is put back.
 * @param {string} file @param {string} dead
 */
async function takeOver(file, dead) {
  const aside = `${file}.${process.pid}.stale`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  const content = await readFile(aside, 'utf8');
  if (content !== dead) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

/**
 * Runs `work` while holding the lock `file`; waits for another living owner.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {(owner: string) => void} [onWait] called once, with the owner's process id
 * @returns {Promise<T>}
 */
export async function withLock(file, work, onWait) {
  await mkdir(path.dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  await writeFile(own, `${process.pid} ${startTime(process.pid)}`);
  let told = false;
  try {
    for (;;) {
      try {
        await link(own, file);
        break;
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      const owner = await readFile(file, 'utf8').catch(() => undefined);
      if (owner === undefined) continue;
      if (!isAlive(owner)) {
        await takeOver(file, owner);
        continue;
      }
      if (!told) onWait?.(owner.split(' ')[0] ?? '');
      told = true;
      await setTimeout(200);
    }
  } finally {
    await rm(own, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}
