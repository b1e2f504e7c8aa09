import { open } from 'node:fs/promises';

const LONGEST_TAIL_BYTES = 64 * 1024;

/** The last lines of a log file (at most 64 KiB of it); empty when there is no such file. */
export async function tailOf(logFile: string, lines: number): Promise<string> {
  let handle;
  try {
    handle = await open(logFile, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, LONGEST_TAIL_BYTES);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, size - length);
    const text = buffer.subarray(0, bytesRead).toString('utf8').trimEnd();
    return text === '' ? '' : text.split('\n').slice(-lines).join('\n');
  } finally {
    await handle.close();
  }
}
