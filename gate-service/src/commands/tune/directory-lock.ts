/**
 * One process at a time on a directory. The lock is the kernel's (fcntl, through SQLite, since Node
 * has no call for it): it ends with the process, however that dies, so that no lock is ever stale.
 */
import { DatabaseSync } from 'node:sqlite';

export interface DirectoryLock {
  release(): void;
}

/** SQLite's word for "another process has it". */
const SQLITE_BUSY = 5;

/**
 * @param file made when it is missing, stays empty, and stays
 * @returns undefined when another process holds it
 * @throws when the file cannot be made or opened
 */
export function lockDirectory(file: string): DirectoryLock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // No journal file beside it; nothing is ever written.
    database.exec('pragma journal_mode = memory');
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return {
    release: () => {
      database.close();
    },
  };
}
