import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * SHA-256 of a file, lower-case hex.
 * @throws Error naming the file when it cannot be read
 */
export async function digestOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new Error(
      `cannot read the build ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  return hash.digest('hex');
}
