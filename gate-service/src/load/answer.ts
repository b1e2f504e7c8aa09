/** From an answer to the status of a sample. Pure. */
import { compileBodyPattern } from './body-pattern.ts';
import type { RequestKind } from './workload.ts';

/** What came back, as far as the check needs it. */
export interface Answer {
  readonly status: number;
  /** Value of the launch header. */
  readonly launch?: string;
  /** Absent unless the check asked for it. */
  readonly body?: string;
}

export interface AnswerCheck {
  readonly needsBody: boolean;
  /** `ok`, an HTTP status >= 400 as text, or `body-check`. */
  statusOf(answer: Answer): string;
}

/**
 * An expected status is right even where it is >= 400; any other status >= 400 is said by its number;
 * another wrong status, or a body that does not match, is `body-check`.
 */
export function createAnswerCheck(expected: RequestKind['expect']): AnswerCheck {
  const pattern =
    expected.bodyPattern === undefined ? undefined : compileBodyPattern(expected.bodyPattern);
  const wanted = expected.status === undefined ? undefined : [expected.status].flat();
  return {
    needsBody: pattern !== undefined,
    statusOf: ({ status, body }) => {
      const asExpected = wanted === undefined ? status < 400 : wanted.includes(status);
      if (!asExpected) return status >= 400 ? String(status) : 'body-check';
      return pattern === undefined || pattern.test(body ?? '') ? 'ok' : 'body-check';
    },
  };
}
