/** From an answer to the status of a sample. Pure. */
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
 * The expected status is right even where it is >= 400; any other status >= 400 is said by its number;
 * another wrong status, or a body that does not match, is `body-check`.
 */
export function createAnswerCheck(expected: RequestKind['expect']): AnswerCheck {
  const pattern = expected.bodyPattern === undefined ? undefined : new RegExp(expected.bodyPattern);
  return {
    needsBody: pattern !== undefined,
    statusOf: ({ status, body }) => {
      const asExpected = expected.status === undefined ? status < 400 : status === expected.status;
      if (!asExpected) return status >= 400 ? String(status) : 'body-check';
      return pattern === undefined || pattern.test(body ?? '') ? 'ok' : 'body-check';
    },
  };
}
