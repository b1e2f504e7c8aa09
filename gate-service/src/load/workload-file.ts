/** Reads a workload from YAML; every mistake is said with its line and its path in the document. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { readCsvData } from './csv-data.ts';
import { inlineData, type ReadData } from './inline-data.ts';
import { workloadFileSchema } from './workload-schema.ts';
import { workloadSchema, type Workload } from './workload.ts';

/** Largest workload file, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Longest quotation of a wrong value, characters. */
const MAX_QUOTED = 60;

/** A workload that cannot be used; the message lists every mistake, one a line. */
export class WorkloadError extends Error {
  readonly problems: readonly string[];

  constructor(source: string, problems: readonly string[]) {
    super(
      problems.length === 1
        ? `workload ${problems[0] ?? source}`
        : `the workload in ${source} has ${problems.length} mistakes:\n${problems.join('\n')}`,
    );
    this.name = 'WorkloadError';
    this.problems = problems;
  }
}

/**
 * @param text YAML of one document that holds a workload; see docs/workloads.md
 * @param source said in errors, usually the file's name
 * @param readData reads files that the workload names; absent: it may name none
 * @throws WorkloadError with line, path and what is wrong
 */
export function loadWorkload(
  text: string,
  source = 'workload.yaml',
  readData: ReadData = readNothing,
): Workload {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new WorkloadError(
      source,
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `${source}:${line}:${col}: not YAML: ${error.message}`;
      }),
    );
  }
  let value: unknown;
  try {
    // Few aliases may be expanded: a short text must not become a huge one.
    value = document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new WorkloadError(source, [`${source}: not usable YAML: ${message}`]);
  }
  if (value === null || value === undefined) {
    throw new WorkloadError(source, [
      `${source} is empty; it needs "rate" (requests per second to each arm) and "requests"`,
    ]);
  }
  const fail = (issues: readonly Issue[]): never => {
    throw new WorkloadError(
      source,
      issues.map((issue) => {
        const at = `${source}:${lineOf(document, lines, issue.path)}`;
        return `${at}: ${describe(issue, value)}`;
      }),
    );
  };
  const file = workloadFileSchema.safeParse(value);
  if (!file.success) return fail(file.error.issues);
  const inlined = inlineData(file.data, readData);
  if ('problems' in inlined) return fail(inlined.problems);
  const workload = workloadSchema.safeParse(inlined.workload);
  return workload.success ? workload.data : fail(workload.error.issues);
}

/**
 * Reads a workload file and the data that it names.
 * @param root folder that no name may lead out of; absent: the repository around the file, or its folder
 * @throws WorkloadError
 * @throws Error when the file cannot be read or is too large
 */
export function readWorkload(file: string, root?: string): Workload {
  const folder = path.dirname(path.resolve(file));
  const place = { folder, root: root ?? repositoryAround(folder) };
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new Error(`${size} bytes; at most ${MAX_BYTES} are read`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`the workload ${file} cannot be read: ${message}`, { cause: error });
  }
  return loadWorkload(text, file, (name, order) => readCsvData(name, order, place));
}

/** The nearest folder upwards with a `.git` (a folder, or a file in a work tree); else the folder itself. */
function repositoryAround(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) return at;
    if (path.dirname(at) === at) return folder;
  }
}

function readNothing(): never {
  throw new Error('no files can be named here; write out columns and rows');
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
}

/** Line of the node at a path, or of its nearest ancestor that is in the text. */
function lineOf(document: Document, lines: LineCounter, at: readonly PropertyKey[]): number {
  for (let length = at.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(at.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return lines.linePos(Number(node.range[0])).line;
    }
  }
  return 1;
}

function describe(issue: Issue, value: unknown): string {
  const where = issue.path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
  const message =
    issue.code === 'unrecognized_keys' && 'keys' in issue && Array.isArray(issue.keys)
      ? `${issue.keys.map((key) => JSON.stringify(key)).join(', ')} is not known here; remove it or correct its spelling`
      : `${issue.message}${quotation(issue, value)}`;
  return where === '' ? message : `${where}: ${message}`;
}

/** What was there instead. Headers and bodies may hold secrets, and data is long: not those. */
function quotation({ path: at, message }: Issue, value: unknown): string {
  if (at.some((part) => part === 'headers' || part === 'body' || part === 'rows')) return '';
  let found: unknown = value;
  for (const part of at) {
    if (typeof found !== 'object' || found === null) return '';
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  if (typeof found !== 'string' && typeof found !== 'number' && typeof found !== 'boolean')
    return '';
  const text = JSON.stringify(found);
  if (message.includes(text) || message.includes(String(found))) return '';
  return `; it is ${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}`;
}
