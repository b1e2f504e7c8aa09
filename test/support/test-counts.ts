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
    /** Path of the file. */
    readonly name?: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName?: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
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

/** The beginning says what it is about, the end what was found: a message may carry a whole log. */
const FIRST_LINES = 6;
const LAST_LINES = 24;
/** Frames of a stack that are not the project's say nothing. */
const FOREIGN_FRAME = /^\s+at .*(?:node_modules|node:internal)/;

/**
 * What failed in a report of vitest's json reporter: for each test its file, its name, the beginning and the end of
 * what it said. The output of a part is long, and who reads only its end has to find this there.
 */
export function failuresOfVitest(json: string): readonly string[] {
  const report = JSON.parse(json) as VitestReport;
  return report.testResults.flatMap((file) => {
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && file.status === 'failed') {
      return [failureText(file.name, 'the file as a whole', file.message)];
    }
    return failed.map((test) =>
      failureText(file.name, test.fullName, test.failureMessages?.join('\n')),
    );
  });
}

function failureText(file = 'unknown file', test = 'unnamed test', message = 'no message'): string {
  const lines = message.split('\n').filter((line) => !FOREIGN_FRAME.test(line));
  const between = lines.length - FIRST_LINES - LAST_LINES;
  const shown =
    between > 1
      ? [...lines.slice(0, FIRST_LINES), `… ${between} more lines`, ...lines.slice(-LAST_LINES)]
      : lines;
  return [`${file} > ${test}`, ...shown.map((line) => `    ${line}`)].join('\n');
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
