/** `speed-gate audit verify`: whether the audit is still what was written. */
import { parseArgs } from 'node:util';
import { verifyAudit, type AuditReport } from '../store/verify-audit.ts';
import { openToLook } from './state-option.ts';

export const AUDIT_USAGE = `usage: npm run speed-gate -- audit verify [OPTION …]

Walks the audit's chain of hashes and says where it is broken first. Nothing is changed. The database is
the file in the folder of --state, else the one that the service's settings name, by environment or file.
Exit code 0: whole. 1: broken, or it could not be read.

  --state DIR    state folder of the gate service
  --expect HASH  head hash that was noted earlier: shows a tail that was cut off
  --json         print the report as JSON`;

/**
 * @param print takes the lines for a person
 * @throws Error for wrong options and for a database that cannot be read
 */
export async function audit(
  args: readonly string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      state: { type: 'string' },
      expect: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(AUDIT_USAGE);
    return;
  }
  const [verb, ...more] = positionals;
  if (verb !== 'verify' || more.length > 0)
    throw new Error(`what shall be done?\n\n${AUDIT_USAGE}`);
  const expect = values.expect?.toLowerCase();
  if (expect !== undefined && !/^[0-9a-f]{64}$/.test(expect)) {
    throw new Error('--expect: a head hash is 64 hex digits, as "audit verify" printed it');
  }
  const store = await openToLook(values.state);
  try {
    const report = await verifyAudit(store, { ...(expect !== undefined && { expect }) });
    if (values.json) print(JSON.stringify({ database: store.location, ...report }));
    else for (const line of linesOf(report, store.location, expect)) print(line);
    if (report.broken !== undefined) process.exitCode = 1;
  } finally {
    await store.close();
  }
}

function linesOf(
  { broken, entries, expectedAt, head }: AuditReport,
  location: string,
  expect: string | undefined,
): readonly string[] {
  const headLine =
    head === undefined ? 'head: none' : `head: ${head.hash} (entry ${head.sequence}, ${head.at})`;
  if (broken !== undefined) {
    return [
      `The audit in ${location} is BROKEN: ${broken.sentence}.`,
      `Whole up to entry ${head?.sequence ?? 0}; ${headLine}`,
      'Keep a copy of the database as it is, and compare with the last backup.',
    ];
  }
  const count = `${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  return [
    `The audit in ${location} is whole: ${count}.`,
    headLine,
    expect === undefined
      ? 'Note the head outside of this machine; --expect HASH then shows a tail that was cut off.'
      : `The expected hash is that of entry ${expectedAt ?? '?'}: nothing up to there was cut off.`,
  ];
}
