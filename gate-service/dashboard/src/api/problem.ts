/** What went wrong, in words for a person. */
import { sentenceOf } from '../text/words.ts';

export class Problem extends Error {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** The service's own code, e.g. `own-run`; empty when there is none. */
  readonly code: string;
  /** What is wrong with single fields of what was sent. */
  readonly fields: readonly string[];

  constructor(status: number, message: string, code = '', fields: readonly string[] = []) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

interface ProblemBody {
  readonly detail?: string;
  readonly code?: string;
  readonly errors?: readonly { readonly pointer?: string; readonly detail?: string }[];
}

/** The problem that an answer other than 2xx tells of (RFC 9457). */
export async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => ({}))) as ProblemBody | null;
  const fields = (body?.errors ?? []).map(({ pointer = '', detail = '' }) =>
    `${pointer.replace(/^\//, '').replaceAll('/', '.')}: ${detail}`.replace(/^: /, ''),
  );
  const words = body?.detail ?? `The gate service answered ${answer.status}.`;
  return new Problem(answer.status, sentenceOf(words), body?.code ?? '', fields);
}

/** Whatever was thrown, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, error instanceof Error ? error.message : String(error));
}
