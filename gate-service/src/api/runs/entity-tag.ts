/** Entity tags of runs (RFC 9110, sections 8.8.3 and 13.1.1). */
import { ProblemError } from '../problems/problem.ts';

export function entityTag(revision: string): string {
  return `"${revision}"`;
}

/**
 * What the caller says to have seen. A proxy that compresses answers makes tags weak: these count as well.
 * @param ifMatch the header
 * @throws ProblemError 428 when it is missing, or names everything
 */
export function seenTag(ifMatch: string | undefined): string {
  const tag = /^ *(?:W\/)?"([^"]*)" *$/.exec(ifMatch ?? '')?.[1];
  if (tag !== undefined) return tag;
  throw new ProblemError(
    428,
    'precondition-required',
    'send If-Match with the ETag of the run as you have read it (GET /v1/runs/ID): nobody orders something beside a decision that he has not seen',
  );
}
