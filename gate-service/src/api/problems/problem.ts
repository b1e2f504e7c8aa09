/** Problem details for HTTP APIs (RFC 9457): one shape for everything that goes wrong. */
import { z } from 'zod';

export const problemSchema = z
  .object({
    type: z.string().describe('Always about:blank: `code` tells problems apart.'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable word for programs, e.g. `unknown-build`.'),
    detail: z.string().describe('What was wrong, where, and what to do, for a person.'),
    instance: z.string().describe('Id of the request; the log of the service has it too.'),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .optional()
      .describe('The fields that are to blame: JSON pointers (RFC 6901) with what is wrong.'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** Thrown by a handler to answer with a problem. */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors?: readonly FieldError[];
  constructor(status: number, code: string, detail: string, errors?: readonly FieldError[]) {
    super(detail);
    this.name = 'ProblemError';
    this.status = status;
    this.code = code;
    if (errors !== undefined) this.errors = errors;
  }
}

/** A JSON pointer (RFC 6901) of a path as zod gives it. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
