/** Reads a workload from YAML; every mistake is said with its line and its path in the document. */
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { workloadSchema, type Workload } from './workload.ts';

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
 * @param text YAML of one document that holds a workload; see docs/samples.md
 * @param source said in errors, usually the file's name
 * @throws WorkloadError with line, path and what is wrong
 */
export function loadWorkload(text: string, source = 'workload.yaml'): Workload {
  const lines = new LineCounter();
  // Few aliases may be expanded: a short text must not become a huge one.
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
  const parsed = workloadSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new WorkloadError(
    source,
    parsed.error.issues.map(
      (issue) => `${source}:${lineOf(document, lines, issue.path)}: ${describe(issue)}`,
    ),
  );
}

/** Line of the node at a path, or of its nearest ancestor that is in the text. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return lines.linePos(Number(node.range[0])).line;
    }
  }
  return 1;
}

function describe(issue: z.core.$ZodIssue): string {
  const where = issue.path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
  const message =
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.map((key) => `"${key}"`).join(', ')} is not known here; remove it or correct its spelling`
      : issue.message;
  return where === '' ? message : `${where}: ${message}`;
}
