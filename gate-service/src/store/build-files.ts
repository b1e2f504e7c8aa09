/** Uploaded builds on disk: `DIRECTORY/SHA.war`, there only when whole, verified and a WAR. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { NotAZipError, zipEntryNames } from './zip-directory.ts';

export type BuildProblem = 'digest-mismatch' | 'too-large' | 'not-a-war' | 'incomplete';

/** An upload that cannot become a build: what was wrong with it and what to do. */
export class BuildRejectedError extends Error {
  readonly problem: BuildProblem;
  constructor(problem: BuildProblem, message: string) {
    super(message);
    this.name = 'BuildRejectedError';
    this.problem = problem;
  }
}

export interface StoredBuild {
  /** Absolute path. */
  readonly path: string;
  readonly sizeBytes: number;
}

export interface BuildFiles {
  /** Path and size of a stored build. */
  find(digest: string): Promise<StoredBuild | undefined>;
  /**
   * Writes the stream to a temporary file, hashing on the way; only when digest and content are right is
   * it renamed into place. Nothing is left of a rejected or broken upload.
   * @param digest announced SHA-256, 64 lower-case hex digits
   * @throws BuildRejectedError
   */
  receive(digest: string, content: AsyncIterable<Uint8Array>): Promise<StoredBuild>;
}

const TEMPORARY = '.upload-';
/** An upload that nobody has written to for so long is nobody's any more, whichever process began it. */
const ABANDONED_MS = 3_600_000;

/**
 * Makes the folder and clears it of uploads that a former service left unfinished; another replica may be
 * taking one right now.
 * @param options.maxBytes largest build that is taken, in bytes
 */
export async function openBuildFiles(options: {
  readonly directory: string;
  readonly maxBytes: number;
}): Promise<BuildFiles> {
  const { directory, maxBytes } = options;
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const file = join(directory, name);
    const written = (await stat(file).catch(() => undefined))?.mtimeMs ?? Infinity;
    if (Date.now() - written > ABANDONED_MS) await rm(file, { force: true });
  }

  const pathOf = (digest: string): string => {
    // The digest becomes a file name: nothing else may get this far.
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new TypeError('a digest is 64 lower-case hex digits');
    return join(directory, `${digest}.war`);
  };
  const find: BuildFiles['find'] = async (digest) => {
    const path = pathOf(digest);
    try {
      const { size } = await stat(path);
      return { path, sizeBytes: size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };

  return {
    find,
    async receive(digest, content) {
      const path = pathOf(digest);
      const temporary = join(directory, `${TEMPORARY}${randomUUID()}`);
      const file = await open(temporary, 'wx+', 0o640);
      try {
        const { sizeBytes, actual } = await write(file, content, maxBytes);
        if (actual !== digest) {
          throw new BuildRejectedError(
            'digest-mismatch',
            `the uploaded file has the SHA-256 ${actual}, announced was ${digest}: it changed on the way, or another file was meant`,
          );
        }
        await checkWar(file);
        await file.sync();
        await rename(temporary, path);
        return { path, sizeBytes };
      } finally {
        await file.close();
        await rm(temporary, { force: true });
      }
    },
  };
}

async function write(
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ sizeBytes: number; actual: string }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of content) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) {
        throw new BuildRejectedError(
          'too-large',
          `the file is larger than ${maxBytes} bytes, the most that is taken; SPEED_GATE_MAX_BUILD_MIB raises it`,
        );
      }
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } catch (error) {
    if (error instanceof BuildRejectedError || isOurOwn(error)) throw error;
    throw new BuildRejectedError('incomplete', 'the upload broke off: send it again');
  }
  return { sizeBytes, actual: hash.digest('hex') };
}

/** A failure of the disk, not of the sender. */
function isOurOwn(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EIO' || code === 'EDQUOT' || code === 'EROFS';
}

async function checkWar(file: FileHandle): Promise<void> {
  let names: readonly string[];
  try {
    names = await zipEntryNames(file);
  } catch (error) {
    if (!(error instanceof NotAZipError)) throw error;
    throw new BuildRejectedError('not-a-war', `the file is no WAR: ${error.message}`);
  }
  // Servlet specification 10.5: every web application archive has a WEB-INF directory.
  if (names.some((name) => name.startsWith('WEB-INF/'))) return;
  const seen = names.slice(0, 3).join(', ');
  throw new BuildRejectedError(
    'not-a-war',
    `the file is no WAR: it is a ZIP archive without WEB-INF/ (it holds ${names.length} entries${seen === '' ? '' : `, first ${seen}`}). Upload the *.war of the build`,
  );
}
