/** Walks the audit's chain and says where it is broken first. */
import { auditHash, NO_PREVIOUS_HASH } from '../runs/run-store.ts';
import type { AuditEntry, RunStore } from '../runs/run-store.ts';

export interface AuditProblem {
  /** Where it shows first. */
  readonly sequence: number;
  readonly problem: 'changed' | 'missing' | 'inserted' | 'replaced' | 'cut';
  readonly sentence: string;
}

export interface AuditReport {
  readonly entries: number;
  /** The last entry that was read. */
  readonly head?: Pick<AuditEntry, 'sequence' | 'hash' | 'at'>;
  /** Entry whose hash was expected. */
  readonly expectedAt?: number;
  readonly broken?: AuditProblem;
}

const BATCH = 500;

/**
 * Reads the audit from `from` on (default: all of it) and recomputes every hash.
 * @param options.expect a head hash that somebody noted earlier: it must be in the chain, or the tail was cut
 *   off or written anew
 */
export async function verifyAudit(
  store: Pick<RunStore, 'auditFrom'>,
  { expect, from = 1 }: { readonly expect?: string; readonly from?: number } = {},
): Promise<AuditReport> {
  // All of it is more than what has a number from 1 on: somebody may have put an entry before the first.
  const start = from === 1 ? -Infinity : from;
  let last: AuditEntry | undefined;
  let entries = 0;
  let expectedAt: number | undefined;
  const report = (broken?: AuditProblem): AuditReport => ({
    entries,
    ...(last !== undefined && { head: { sequence: last.sequence, hash: last.hash, at: last.at } }),
    ...(expectedAt !== undefined && { expectedAt }),
    ...(broken !== undefined && { broken }),
  });

  for (;;) {
    const batch = await store.auditFrom(last === undefined ? start : last.sequence + 1, BATCH);
    for (const entry of batch) {
      const broken = problemOf(entry, last, from);
      if (broken !== undefined) return report(broken);
      last = entry;
      entries += 1;
      if (entry.hash === expect) expectedAt = entry.sequence;
    }
    if (batch.length < BATCH) break;
  }
  if (expect !== undefined && expectedAt === undefined) {
    return report({
      sequence: (last?.sequence ?? 0) + 1,
      problem: 'cut',
      sentence: `the expected hash is that of no entry: what followed entry ${last?.sequence ?? 0} was cut off, or the chain was written anew`,
    });
  }
  return report();
}

function problemOf(
  entry: AuditEntry,
  before: AuditEntry | undefined,
  from: number,
): AuditProblem | undefined {
  const expected = before === undefined ? from : before.sequence + 1;
  const { previousHash, hash, ...content } = entry;
  if (entry.sequence < expected) {
    const sentence = `entry ${entry.sequence} was put before the first that was written`;
    return { sequence: entry.sequence, problem: 'inserted', sentence };
  }
  if (entry.sequence !== expected) {
    const which =
      entry.sequence - 1 > expected
        ? `entries ${expected} to ${entry.sequence - 1} are missing`
        : `entry ${expected} is missing`;
    return { sequence: expected, problem: 'missing', sentence: which };
  }
  if (auditHash(previousHash, content) !== hash) return changed(entry.sequence);
  const link = before?.hash ?? (from === 1 ? NO_PREVIOUS_HASH : previousHash);
  if (previousHash === link) return undefined;
  const sentence =
    before === undefined
      ? `entry ${entry.sequence} is not the first that was written: what was before it was removed`
      : `entry ${entry.sequence} does not follow on entry ${before.sequence}: one of the two was replaced`;
  return { sequence: entry.sequence, problem: 'replaced', sentence };
}

function changed(sequence: number): AuditProblem {
  return {
    sequence,
    problem: 'changed',
    sentence: `entry ${sequence} was changed after it was written`,
  };
}
