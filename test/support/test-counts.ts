/** Counts what the test tools report; anything unreadable or empty counts as failed. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** The runner's last line. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

interface VitestReport {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Counts a report of vitest's json reporter. A file that failed without a failed test in it (it
 * could not be loaded, or a hook threw) counts as one failure.
 */
export function countVitest(json: string): Counts {
  const report = JSON.parse(json) as VitestReport;
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    const statuses = file.assertionResults.map((test) => test.status);
    const passed = statuses.filter((status) => status === 'passed').length;
    const failed = statuses.filter((status) => status === 'failed').length;
    const broken = file.status === 'failed' && failed === 0 ? 1 : 0;
    counts = add(counts, {
      passed,
      failed: failed + broken,
      skipped: statuses.length - passed - failed,
    });
  }
  return counts;
}

function attribute(tag: string, name: string): number {
  const value = new RegExp(`\\s${name}="(\\d+)"`).exec(tag)?.[1];
  if (value === undefined) throw new Error(`no attribute ${name} in ${tag}`);
  return Number(value);
}

/** Counts one XML report of Maven Surefire; an error is a failure. */
export function countSurefire(xml: string): Counts {
  const tag = /<testsuite\s[^>]*>/.exec(xml)?.[0];
  if (tag === undefined) throw new Error('not a report of Surefire');
  const failed = attribute(tag, 'failures') + attribute(tag, 'errors');
  const skipped = attribute(tag, 'skipped');
  return { passed: attribute(tag, 'tests') - failed - skipped, failed, skipped };
}

/** A tool's exit code and its count must agree: one that failed, or ran nothing, has a failure. */
export function settle(counts: Counts, exitCode: number): { counts: Counts; note: string } {
  if (exitCode !== 0 && counts.failed === 0) {
    return { counts: { ...counts, failed: 1 }, note: `ended with code ${exitCode}` };
  }
  if (counts.passed + counts.failed === 0) {
    return { counts: { ...counts, failed: 1 }, note: 'ran no test' };
  }
  return { counts, note: '' };
}
