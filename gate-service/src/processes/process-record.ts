/** Identity of a detached process that survives its starter: a pid alone may be reused, pid and start time may not. */
import { z } from 'zod';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTime: number;
  readonly command: readonly string[];
  /** The kernel's boot id: after a reboot the same pid and start time are another process. */
  readonly bootId?: string | undefined;
}

export const processRecordSchema = z.object({
  pid: z.int().positive(),
  startTime: z.int().nonnegative(),
  command: z.array(z.string()),
  bootId: z.string().optional(),
});

/** Writes `content` so that a reader sees the former file or the whole new one, never a part. */
export async function writeFileAtomically(
  file: string,
  content: string,
  mode = 0o600,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${Date.now().toString(36)}.tmp`;
  try {
    await writeFile(temporary, content, { mode, flush: true });
    // Whatever the umask: another user's process may have to read it.
    await chmod(temporary, mode);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Keeps a record as `<name>.json`; see {@link readProcessRecord}. */
export async function writeProcessRecord(file: string, record: ProcessRecord): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(record)}\n`);
}

/** The record in a file, or undefined when there is none. Throws on a file that is not a record. */
export async function readProcessRecord(file: string): Promise<ProcessRecord | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return processRecordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `${file} is not a process record; look for the process by hand, then delete the file`,
      { cause: error },
    );
  }
}

export async function removeProcessRecord(file: string): Promise<void> {
  await rm(file, { force: true });
}
