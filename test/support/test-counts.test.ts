import { describe, expect, it } from 'vitest';
import {
  closingLine,
  countSurefire,
  countVitest,
  failuresOfVitest,
  settle,
} from './test-counts.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});
const report = (...testResults: unknown[]) => JSON.stringify({ testResults });

describe('countVitest', () => {
  it('counts tests by their state', () => {
    const counts = countVitest(
      report(file('passed', 'passed', 'pending', 'todo'), file('failed', 'failed', 'passed')),
    );
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(countVitest(report(file('failed')))).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a file whose hook threw after its tests passed as a failure', () => {
    expect(countVitest(report(file('failed', 'passed')))).toMatchObject({ passed: 1, failed: 1 });
  });
});

describe('failuresOfVitest', () => {
  it('names file and test, with the beginning and the end of what a failed test said', () => {
    const log = Array.from({ length: 50 }, (_, index) => `line ${index}`);
    const message = [
      'Error: expected promote',
      ...log,
      'got rollback',
      '    at Proxy.fails (file:///checkout/node_modules/chai/index.js:1:1)',
      '    at /tests/walk.test.ts:7:3',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
    ];
    const [failure, ...others] = failuresOfVitest(
      report(file('passed', 'passed'), {
        name: '/tests/walk.test.ts',
        status: 'failed',
        assertionResults: [
          { status: 'passed', fullName: 'walk begins' },
          { status: 'failed', fullName: 'walk ends', failureMessages: [message.join('\n')] },
        ],
      }),
    );
    expect(others).toEqual([]);
    expect(failure).toContain('/tests/walk.test.ts > walk ends\n    Error: expected promote\n');
    expect(failure).toContain('    line 4\n    … 23 more lines\n    line 28\n');
    expect(failure).toMatch(/ got rollback\n +at \/tests\/walk.test.ts:7:3$/);
  });

  it('names a file that failed without a failed test', () => {
    const broken = { ...file('failed', 'passed'), name: 'a.test.ts', message: 'hook threw' };
    expect(failuresOfVitest(report(broken))).toEqual([
      'a.test.ts > the file as a whole\n    hook threw',
    ]);
  });
});

describe('countSurefire', () => {
  it('takes errors for failures and leaves skipped tests out of the passed', () => {
    const xml =
      '<?xml version="1.0"?>\n<testsuite xmlns:x="y" name="A" time="1.5" tests="7" errors="1" skipped="2" failures="1">';
    expect(countSurefire(xml)).toEqual({ passed: 3, failed: 2, skipped: 2 });
  });

  it('refuses what is no report', () => {
    expect(() => countSurefire('<html>')).toThrow('not a report');
    expect(() => countSurefire('<testsuite tests="1" errors="0">')).toThrow('failures');
  });
});

describe('settle', () => {
  const none = { passed: 0, failed: 0, skipped: 0 };

  it('makes a tool that failed without a failed test count as failed', () => {
    expect(settle({ ...none, passed: 3 }, 1).counts).toEqual({ passed: 3, failed: 1, skipped: 0 });
  });

  it('makes a part without a test that ran count as failed', () => {
    expect(settle({ ...none, skipped: 2 }, 0)).toEqual({
      counts: { passed: 0, failed: 1, skipped: 2 },
      note: 'ran no test',
    });
  });

  it('leaves agreement alone', () => {
    expect(settle({ ...none, passed: 3 }, 0).counts).toEqual({ passed: 3, failed: 0, skipped: 0 });
    expect(settle({ ...none, failed: 3 }, 1).counts.failed).toBe(3);
  });
});

it('closes with a line that continuous integration reads', () => {
  expect(closingLine({ passed: 12, failed: 0, skipped: 1 })).toBe('12 passed, 0 failed, 1 skipped');
});
