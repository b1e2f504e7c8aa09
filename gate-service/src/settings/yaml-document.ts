/** YAML documents checked by a zod schema, with mistakes that say where they are in the text. */
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';

/** One mistake in a document. */
export interface DocumentProblem {
  /** e.g. `services[0].thresholds[1]`; empty for the document as a whole. */
  readonly path: string;
  /** From 1. Absent where the text has no place for it. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** A document that cannot be used, with every mistake that was found in it. */
export class DocumentError extends Error {
  readonly source: string;
  readonly problems: readonly DocumentProblem[];
  constructor(source: string, problems: readonly DocumentProblem[]) {
    super(
      `${source} cannot be used:\n${problems.map((one) => `  - ${line(source, one)}`).join('\n')}`,
    );
    this.name = 'DocumentError';
    this.source = source;
    this.problems = problems;
  }
}

function line(source: string, problem: DocumentProblem): string {
  const place =
    problem.line === undefined ? '' : `${source}:${problem.line}:${problem.column ?? 1} `;
  // A message over several lines (with a caret under the mistake) keeps its columns.
  const message = problem.message.replaceAll('\n', '\n      ');
  return `${place}${problem.path === '' ? '' : `${problem.path}: `}${message}`;
}

export type Path = readonly PropertyKey[];

/** A check that a schema cannot express; reports through `problem`. */
export type Check<T> = (value: T, problem: (path: Path, message: string) => void) => void;

/**
 * Parses and checks a document.
 * @param source what to call it in errors, e.g. its path
 * @throws DocumentError with all mistakes: of the YAML, else of the schema, else of `check`
 */
export function parseYamlDocument<T>(
  text: string,
  source: string,
  schema: z.ZodType<T>,
  check: Check<T> = () => undefined,
): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new DocumentError(
      source,
      document.errors.map((error) => {
        const { line: at, col } = lines.linePos(error.pos[0]);
        return { path: '', line: at, column: col, message: error.message };
      }),
    );
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    // More aliases than that are a bomb, not a document.
    const message = error instanceof Error ? error.message : String(error);
    throw new DocumentError(source, [{ path: '', message }]);
  }
  const parsed = schema.safeParse(content);
  const problems: DocumentProblem[] = [];
  const add = (path: Path, message: string): void => {
    problems.push({ path: formatPath(path), ...place(document, lines, path), message });
  };
  if (parsed.success) check(parsed.data, add);
  else for (const issue of parsed.error.issues) add(issue.path, issue.message);
  if (problems.length > 0) throw new DocumentError(source, problems);
  if (!parsed.success) throw parsed.error;
  return parsed.data;
}

/** `services[0].name`: as people write it. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}

/** Where the node at `path` starts; for a missing one the nearest node around it. */
function place(
  document: Document,
  lines: LineCounter,
  path: Path,
): { readonly line?: number; readonly column?: number } {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown =
      length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      const { line: at, col } = lines.linePos(node.range[0]);
      return { line: at, column: col };
    }
  }
  return {};
}
