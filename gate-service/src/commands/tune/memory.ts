/**
 * A memory directory: what the tuner learnt, kept between calls. One process at a time; a file that is
 * always whole (written beside, flushed, renamed), whenever the process or the machine dies.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { BoundSpace } from '../../optimizer/space/bound-space.ts';
import { hashOfSpace } from '../../optimizer/space-hash.ts';
import { lockDirectory, type DirectoryLock } from './directory-lock.ts';
import {
  describeKnobs,
  FORMAT,
  headSchema,
  memoryContentSchema,
  VERSION,
  type MemoryContent,
} from './memory-content.ts';

const FILE = 'memory.json';
const NEW_FILE = 'memory.json.new';
const LOCK_FILE = 'memory.lock';
/** Far above what sessions leave behind. */
const MAX_BYTES = 256 * 1024 * 1024;

/** A memory that cannot be used; the message names the file and the remedy. */
export class MemoryError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MemoryError';
  }
}

export interface Memory {
  /** As it was found; `undefined` in a directory without one. */
  readonly content: MemoryContent | undefined;
  /** Durable when it returns. @throws MemoryError; what was there before is there still */
  save(content: Omit<MemoryContent, 'knobs'>): void;
  /** Lets others at the directory. */
  close(): void;
}

/**
 * Opens a memory directory, which is made when it is missing, for the knobs of `space`.
 * @throws MemoryError when it is in use, cannot be read or written, or is of something else
 */
export function openMemory(directory: string, space: BoundSpace): Memory {
  const lock = lockOf(directory);
  const file = join(directory, FILE);
  const knobs = describeKnobs(space.knobs);
  try {
    const content = readContent(file);
    if (content !== undefined && content.experience.space !== hashOfSpace(space.knobs)) {
      throw new MemoryError(otherKnobs(file, content.knobs, knobs));
    }
    return {
      content,
      save: (saved) => {
        write(directory, { format: FORMAT, version: VERSION, knobs, ...saved });
      },
      close: () => {
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function lockOf(directory: string): DirectoryLock {
  let lock: DirectoryLock | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    lock = lockDirectory(join(directory, LOCK_FILE));
  } catch (error) {
    throw new MemoryError(
      `the memory directory ${directory} cannot be used: ${wordsOf(error)}; it must be a directory that this user may write to`,
      error,
    );
  }
  if (lock === undefined) {
    throw new MemoryError(
      `another tuner uses the memory directory ${directory}; wait until it has ended, or name another directory`,
    );
  }
  return lock;
}

function readContent(file: string): MemoryContent | undefined {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes; at most ${MAX_BYTES} are read`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new MemoryError(`the memory ${file} cannot be read: ${wordsOf(error)}`, error);
  }
  const remedy = 'restore it from a copy, or move it away to begin without experience';
  let written: unknown;
  try {
    written = JSON.parse(text) as unknown;
  } catch (error) {
    throw new MemoryError(
      `the memory ${file} is cut off or damaged (${wordsOf(error)}); ${remedy}`,
      error,
    );
  }
  const head = headSchema.safeParse(written);
  if (!head.success) {
    throw new MemoryError(
      `${file} is no memory of speed-gate tune; name another directory, or move the file away`,
    );
  }
  if (head.data.version !== VERSION) {
    throw new MemoryError(
      `the memory ${file} has format version ${head.data.version}, this speed-gate reads ${VERSION}; use the speed-gate that wrote it, or name another directory`,
    );
  }
  const content = memoryContentSchema.safeParse(written);
  if (!content.success) {
    const [issue] = content.error.issues;
    throw new MemoryError(
      `the memory ${file} is damaged (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}); ${remedy}`,
    );
  }
  return content.data as MemoryContent;
}

function otherKnobs(file: string, theirs: readonly string[], own: readonly string[]): string {
  const only = (these: readonly string[], those: readonly string[]): string => {
    const lines = these.filter((line) => !those.includes(line));
    const more = lines.length > MOST_SHOWN ? ` and ${lines.length - MOST_SHOWN} more` : '';
    return lines.length === 0 ? 'none' : lines.slice(0, MOST_SHOWN).join(', ') + more;
  };
  return (
    `the memory ${file} was made with other knobs; only there: ${only(theirs, own)}; ` +
    `only in the knobs file: ${only(own, theirs)}. Name another directory for these knobs`
  );
}

const MOST_SHOWN = 5;

function write(directory: string, content: object): void {
  const file = join(directory, FILE);
  const fresh = join(directory, NEW_FILE);
  try {
    writeFileSync(fresh, `${JSON.stringify(content)}\n`, { mode: 0o600, flush: true });
    renameSync(fresh, file);
    const folder = openSync(directory, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    throw new MemoryError(
      `the memory ${file} cannot be written: ${wordsOf(error)}; it holds what it held before`,
      error,
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
