/** Test data from a CSV file (RFC 4180) of the application's repository; nothing outside it is ever read. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import type { DataTable } from './workload-data.ts';

/** Largest file, bytes. Requests may use fewer of its columns than it has. */
export const MAX_CSV_BYTES = 8 * 1024 * 1024;

/** Where files are looked for, and the folder that none may lead out of. */
export interface DataFolder {
  readonly folder: string;
  readonly root: string;
}

/**
 * @param name as it stands in the workload, relative to its folder
 * @throws Error that says what is wrong with the name or the file
 */
export function readCsvData(
  name: string,
  order: DataTable['order'],
  { folder, root }: DataFolder,
): DataTable {
  return parseCsvData(readInside(name, folder, root), name, order);
}

/**
 * @param source said in errors
 * @throws Error with the line
 */
export function parseCsvData(text: string, source: string, order: DataTable['order']): DataTable {
  let records: string[][];
  try {
    records = parse(text, { bom: true, skip_empty_lines: true, relax_column_count: false });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Error(`${source} is not CSV: ${error.message}`, { cause: error });
  }
  const [columns, ...rows] = records;
  if (columns === undefined) {
    throw new Error(`${source} is empty; its first line names the columns`);
  }
  if (rows.length === 0) throw new Error(`${source} has no rows below its first line`);
  return { order, columns: columns.map((column) => column.trim()), rows };
}

function readInside(name: string, folder: string, root: string): string {
  if (path.isAbsolute(name) || /[\0\\]/.test(name)) {
    throw new Error(`${quote(name)} is no name relative to the workload file`);
  }
  const base = realpathSync(root);
  const wanted = path.resolve(realpathSync(folder), name);
  // Said before anything is looked up, so that nothing outside can be found out by asking.
  if (!inside(wanted, base)) throw outside(name);
  let file: string;
  try {
    file = realpathSync(wanted);
  } catch (error) {
    throw new Error(`${quote(name)} cannot be read: ${codeOf(error)}`, { cause: error });
  }
  if (!inside(file, base)) throw outside(name);
  const text = readRegularFile(file, name);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch (error) {
    throw new Error(`${quote(name)} is not UTF-8`, { cause: error });
  }
}

/** The path has no link any more; one that is put there meanwhile is refused, and a pipe does not block. */
function readRegularFile(file: string, name: string): Buffer {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let descriptor: number;
  try {
    descriptor = openSync(file, flags);
  } catch (error) {
    throw new Error(`${quote(name)} cannot be read: ${codeOf(error)}`, { cause: error });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error(`${quote(name)} is no regular file`);
    if (stat.size > MAX_CSV_BYTES) {
      throw new Error(`${quote(name)} has ${stat.size} bytes; at most ${MAX_CSV_BYTES} are read`);
    }
    const buffer = Buffer.alloc(stat.size);
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function inside(file: string, root: string): boolean {
  const relative = path.relative(root, file);
  return relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..';
}

function outside(name: string): Error {
  return new Error(`${quote(name)} leads out of the repository; put the data beside the workload`);
}

function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  return code ?? String(error);
}

function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
