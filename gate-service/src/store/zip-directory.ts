/**
 * Reads the table of contents of a ZIP file, just enough to tell a WAR from anything else. Format:
 * PKWARE APPNOTE 6.3.10, sections 4.3.12 (central directory header), 4.3.14–4.3.16 (ends, ZIP64).
 */
import type { FileHandle } from 'node:fs/promises';

/** The file is no ZIP archive, or a damaged one. */
export class NotAZipError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotAZipError';
  }
}

const END = 0x06054b50;
const END_BYTES = 22;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END = 0x06064b50;
const ZIP64_END_BYTES = 56;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LONGEST_COMMENT = 0xffff;
/** A directory of 64 MiB names about a million entries; no WAR comes near. */
const LARGEST_DIRECTORY = 64 * 1024 * 1024;

interface Directory {
  readonly entries: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Names of all entries, as the central directory has them.
 * @throws NotAZipError when there is no central directory or it does not fit the file
 */
export async function zipEntryNames(file: FileHandle): Promise<readonly string[]> {
  const { size: fileSize } = await file.stat();
  const directory = await findDirectory(file, fileSize);
  if (directory.offset + directory.size > fileSize) {
    throw new NotAZipError('the archive is cut off: its directory lies outside the file');
  }
  if (directory.size > LARGEST_DIRECTORY) {
    throw new NotAZipError('the archive has an implausibly large directory');
  }
  const bytes = await read(file, directory.offset, directory.size);
  const names: string[] = [];
  let at = 0;
  while (names.length < directory.entries) {
    if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32LE(at) !== ENTRY) {
      throw new NotAZipError('the directory of the archive is damaged');
    }
    const nameLength = bytes.readUInt16LE(at + 28);
    const next =
      at + ENTRY_BYTES + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw new NotAZipError('the directory of the archive is damaged');
    names.push(bytes.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength));
    at = next;
  }
  return names;
}

async function findDirectory(file: FileHandle, fileSize: number): Promise<Directory> {
  const tailSize = Math.min(fileSize, END_BYTES + LONGEST_COMMENT);
  const tail = await read(file, fileSize - tailSize, tailSize);
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    // The comment must reach exactly to the end: a comment may itself contain the signature.
    if (tail.readUInt32LE(at) !== END) continue;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) !== tail.length) continue;
    const entries = tail.readUInt16LE(at + 10);
    const size = tail.readUInt32LE(at + 12);
    const offset = tail.readUInt32LE(at + 16);
    if (entries !== 0xffff && size !== 0xffffffff && offset !== 0xffffffff) {
      return { entries, size, offset };
    }
    return findZip64Directory(file, fileSize - tailSize + at);
  }
  throw new NotAZipError(
    'it is no ZIP archive, or an incomplete one: no end of a directory was found',
  );
}

async function findZip64Directory(file: FileHandle, endAt: number): Promise<Directory> {
  const locatorAt = endAt - ZIP64_LOCATOR_BYTES;
  if (locatorAt < 0) throw new NotAZipError('the ZIP64 directory of the archive is missing');
  const locator = await read(file, locatorAt, ZIP64_LOCATOR_BYTES);
  const zip64At = Number(locator.readBigUInt64LE(8));
  if (locator.readUInt32LE(0) !== ZIP64_LOCATOR || zip64At + ZIP64_END_BYTES > locatorAt) {
    throw new NotAZipError('the ZIP64 directory of the archive is damaged');
  }
  const end = await read(file, zip64At, ZIP64_END_BYTES);
  if (end.readUInt32LE(0) !== ZIP64_END) {
    throw new NotAZipError('the ZIP64 directory of the archive is damaged');
  }
  return {
    entries: Number(end.readBigUInt64LE(32)),
    size: Number(end.readBigUInt64LE(40)),
    offset: Number(end.readBigUInt64LE(48)),
  };
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new NotAZipError('the archive is cut off');
    filled += bytesRead;
  }
  return buffer;
}
