import { describe, expect, test } from 'vitest';
import { BackOff } from './back-off.ts';
import { withoutStartJar } from './jetty-class-path.ts';
import { withRequestCounters } from './jolokia.ts';
import { excerptOf } from './log-excerpt.ts';
import { parseModStatus } from './mod-status.ts';
import { renderJolokia } from '../stack/jolokia.ts';

const status = [
  '127.0.0.1',
  'ServerVersion: Apache',
  'ParentServerConfigGeneration: 3',
  'ParentServerMPMGeneration: 2',
  'Total Accesses: 5',
  'Total kBytes: 1',
  'Total Duration: 72',
  'BusyWorkers: 1',
  'GracefulWorkers: 0',
  'IdleWorkers: 49',
  'Processes: 2',
  'Stopping: 0',
  'ConnsTotal: 4',
  'ConnsAsyncWriting: 0',
  'ConnsAsyncKeepAlive: 3',
  'Scoreboard: __W',
];

describe('mod_status', () => {
  test('is read field by field', () => {
    expect(parseModStatus(status.join('\n'))).toEqual({
      configGeneration: 3,
      mpmGeneration: 2,
      processes: 2,
      stopping: 0,
      busyWorkers: 1,
      idleWorkers: 49,
      connectionsTotal: 4,
      connectionsAsyncKeepAlive: 3,
      totalAccesses: 5,
      totalDuration: 72,
    });
  });

  test('a missing field is an error that names it, never a zero', () => {
    const without = status.filter((line) => !line.startsWith('IdleWorkers'));
    expect(() => parseModStatus(without.join('\n'))).toThrow('"IdleWorkers"');
    expect(() => parseModStatus('<html>')).toThrow('mod_status');
  });
});

describe('the pause before a component is started again', () => {
  test('is none at first, doubles, and never passes ten seconds', () => {
    const backOff = new BackOff();
    let now = 0;
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const from = now;
      while (!backOff.isDue(now)) now += 10;
      pauses.push(now - from);
      backOff.attempted(now);
    }
    expect(pauses).toEqual([0, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
  });

  test('starts anew after a long quiet time', () => {
    const backOff = new BackOff();
    for (let attempt = 0; attempt < 5; attempt += 1) backOff.attempted(attempt);
    backOff.attempted(100_000);
    expect(backOff.isDue(100_200)).toBe(true);
  });
});

describe('the excerpt of a log', () => {
  test('has the exceptions and causes without the stack', () => {
    const log = [
      'INFO: starting',
      'WARN: Failed startup of context',
      'java.lang.IllegalStateException: no database',
      '\tat a.B.c(B.java:1)',
      'Caused by: java.net.ConnectException: refused',
      '\tat a.B.d(Exception.java:2)',
    ].join('\n');
    expect(excerptOf(log)).toBe(
      'java.lang.IllegalStateException: no database\nCaused by: java.net.ConnectException: refused',
    );
  });

  test('has the last lines where nothing tells more', () => {
    expect(excerptOf('one\ntwo\n\n')).toBe('one\ntwo');
    expect(excerptOf('')).toBe('');
  });
});

describe("Jolokia's access policy", () => {
  const files = Object.fromEntries(
    Object.entries(renderJolokia('/base', { port: 1, user: 'u', password: 'p' })).map(
      ([name, text]) => [name, { text, mode: 0o600 }],
    ),
  );

  test('lets the counters be read, and nothing more be written', () => {
    const policy = withRequestCounters(files)['jolokia-policy.xml']!;
    expect(policy.mode).toBe(0o600);
    expect(policy.text).toContain('type=statisticshandler,*');
    const writable = (text: string) => text.match(/<attribute>/g)!.length;
    expect(writable(policy.text)).toBe(writable(files['jolokia-policy.xml']!.text));
    expect(withRequestCounters(withRequestCounters(files))).toEqual(withRequestCounters(files));
  });

  test('a policy without a list is refused', () => {
    expect(() => withRequestCounters({})).toThrow('access policy');
  });
});

test('a command that is no start by start.jar is refused', () => {
  expect(() =>
    withoutStartJar({ argv: ['java', '-jar', 'other.jar'], threadPool: 'threadpool' }, '/home'),
  ).toThrow('start.jar');
});
