import { describe, expect, it } from 'vitest';
import { createAnswerCheck } from './answer.ts';
import { foreignCores } from './cpu-watch.ts';
import { Deadlines } from './deadlines.ts';
import { machineCpuSeconds, ownCpuSeconds } from './machine-cpu.ts';
import { nearestRank } from './nearest-rank.ts';
import { parseMeasurementPlan } from './plan.ts';
import { errorWord } from './request-client.ts';
import { plainField } from './sample-format.ts';
import { TargetWatch } from './target-watch.ts';

describe('createAnswerCheck', () => {
  it.each([
    [{}, 200, '', 'ok'],
    [{}, 302, '', 'ok'],
    [{}, 404, '', '404'],
    [{}, 503, '', '503'],
    [{ status: 200 }, 204, '', 'body-check'],
    [{ status: 404 }, 404, '', 'ok'],
    [{ status: 404 }, 200, '', 'body-check'],
    [{ status: 201 }, 500, '', '500'],
    [{ bodyPattern: '^total: \\d+$' }, 200, 'total: 12', 'ok'],
    [{ bodyPattern: '^total: \\d+$' }, 200, 'total: none', 'body-check'],
    [{ bodyPattern: 'total' }, 500, 'total', '500'],
  ])('%j, %d %j is %s', (expected, status, body, word) => {
    expect(createAnswerCheck(expected).statusOf({ status, body })).toBe(word);
  });

  it('asks for the body only where it looks at it', () => {
    expect(createAnswerCheck({ status: 200 }).needsBody).toBe(false);
    expect(createAnswerCheck({ bodyPattern: 'x' }).needsBody).toBe(true);
  });
});

describe('nearestRank', () => {
  it('takes the smallest value that enough do not exceed', () => {
    const values = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(nearestRank(values, 0.99)).toBe(198);
    expect(nearestRank(values, 0.5)).toBe(100);
    expect(nearestRank([7], 0.99)).toBe(7);
    expect(nearestRank([3, 1], 0)).toBe(1);
    expect(nearestRank([], 0.5)).toBeNaN();
  });
});

describe('Deadlines', () => {
  it('hands over each item once, when its time is up, unless it is done', () => {
    const deadlines = new Deadlines<{ readonly n: number }>(100);
    const items = Array.from({ length: 5000 }, (_, n) => ({ n }));
    for (const item of items) deadlines.add(item, item.n);
    for (const item of items) if (item.n % 3 === 0) deadlines.delete(item);
    const expired: number[] = [];
    const expire = (now: number): void => {
      deadlines.expire(now, ({ n }) => expired.push(n));
    };
    expire(99);
    expect(expired).toEqual([]);
    expire(101);
    expect(expired).toEqual([1]);
    for (const now of [3000, 3000, 9999]) expire(now);
    expect(expired).toEqual(items.filter(({ n }) => n % 3 !== 0).map(({ n }) => n));
    deadlines.add({ n: -1 }, 10_000);
    expire(10_099);
    expect(expired).not.toContain(-1);
  });
});

describe('foreign CPU', () => {
  const stat = (pid: number, parent: number, cpuSeconds: number) => ({
    pid,
    parent,
    cpuSeconds,
    group: pid,
    session: pid,
    zombie: false,
    startTime: 1,
  });

  it('counts everything but idle and waiting for a disk', () => {
    const text = 'cpu  100 20 30 9000 500 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
    expect(machineCpuSeconds(text)).toBeCloseTo(1.71);
    expect(() => machineCpuSeconds('intr 1 2 3')).toThrow('no usable "cpu" line');
  });

  it('takes trees with their descendants, and others alone', () => {
    const stats = [
      stat(1, 0, 100),
      stat(10, 1, 1),
      stat(11, 10, 2),
      stat(12, 11, 4),
      stat(20, 1, 8),
      stat(21, 20, 16),
    ];
    expect(ownCpuSeconds(stats, [10], [20])).toBe(15);
    expect(ownCpuSeconds(stats, [10, 12, 99], [11])).toBe(7);
    expect(ownCpuSeconds(stats, [1], [])).toBe(131);
  });

  it('is what is left, and never less than nothing', () => {
    const from = { atUs: 0, machineSeconds: 10, ownSeconds: 4 };
    expect(foreignCores(from, { atUs: 2e6, machineSeconds: 13, ownSeconds: 5 })).toBe(1);
    expect(foreignCores(from, { atUs: 2e6, machineSeconds: 10.5, ownSeconds: 5 })).toBe(0);
    expect(foreignCores(from, { atUs: 2e6, machineSeconds: 12, ownSeconds: 1 })).toBe(1);
    expect(foreignCores(from, { ...from, machineSeconds: 11 })).toBe(0);
  });
});

describe('TargetWatch', () => {
  const watch = (words: string[], answered = false): TargetWatch => {
    const target = new TargetWatch({ host: '127.0.0.1', port: 81 });
    for (const word of words) target.settled(word, answered);
    return target;
  };
  const many = (word: string): string[] => Array.from({ length: 20 }, () => word);

  it('gives up when everything was refused, but not at once', () => {
    const target = watch(many('refused'));
    expect(() => {
      target.check(0.5);
    }).not.toThrow();
    expect(() => {
      target.check(1);
    }).toThrow('127.0.0.1:81 refused all of 20 connections');
  });

  it('goes on when anything was answered, even with an error', () => {
    const target = watch([...many('refused'), ...many('refused')]);
    target.settled('503', true);
    expect(() => {
      target.check(9);
      target.over();
    }).not.toThrow();
  });

  it('says at the end that nobody answered, and how it failed', () => {
    expect(() => {
      watch([...many('timeout'), 'reset']).over();
    }).toThrow('answered none of 21 requests (timeout 20, reset 1)');
  });
});

describe('small words', () => {
  it('names errors by code', () => {
    const codes = [
      'ECONNREFUSED',
      'UND_ERR_SOCKET',
      'UND_ERR_CONNECT_TIMEOUT',
      'EHOSTUNREACH',
      'X',
    ];
    const words = ['refused', 'reset', 'timeout', 'unreachable', 'failed'];
    expect(codes.map((code) => errorWord(code))).toEqual(words);
    expect(errorWord('', 'HTTPParserError')).toBe('protocol');
  });

  it('keeps a launch from breaking its line', () => {
    expect(plainField('node-1,ok\n#')).toBe('node-1_ok__');
    expect(plainField('')).toBe('-');
    expect(plainField('x'.repeat(99))).toHaveLength(64);
  });
});

describe('parseMeasurementPlan', () => {
  const plan = {
    target: { host: '127.0.0.1', port: 8080 },
    authority: 'a',
    arms: [
      { name: 'baseline', headers: {} },
      { name: 'candidate', headers: {} },
    ],
    workload: { rate: 1, requests: [{ name: 'a', path: '/' }] },
    pairsPerSecond: 10,
    arrivals: 'poisson',
    windowSeconds: 1,
    windows: 2,
    warmup: { minSeconds: 1, maxSeconds: 2, minRequests: 5 },
    limits: { connections: 5, requestTimeoutMs: 500, maxSeconds: 10 },
    freshConnections: 0,
    seed: 1,
  };
  const problem = (change: object): string => {
    try {
      parseMeasurementPlan(JSON.stringify({ ...plan, ...change }));
    } catch (error) {
      return (error as Error).message;
    }
    return 'no problem';
  };

  it('takes a plan and fills in the workload', () => {
    expect(problem({})).toBe('no problem');
    expect(problem({ windows: 24, replacements: 10 })).toBe('no problem');
    expect(problem({ blocks: { seconds: 2.5 }, windowSeconds: 5 })).toBe('no problem');
    expect(parseMeasurementPlan(JSON.stringify(plan)).workload.requests[0]?.method).toBe('GET');
  });

  it.each([
    [{ pairsPerSecond: 1e6 }, 'pairsPerSecond'],
    [{ workload: { rate: 1, requests: [] } }, 'a workload needs at least one request'],
    [{ arms: [plan.arms[0], plan.arms[0]] }, 'two arms have two names'],
    [{ warmup: { minSeconds: 3, maxSeconds: 2, minRequests: 5 } }, 'warmup.maxSeconds'],
    [{ limits: { ...plan.limits, connections: 1e9 } }, 'limits.connections'],
    [{ limits: { ...plan.limits, maxSeconds: 1e9 } }, 'limits.maxSeconds'],
    [{ limits: { ...plan.limits, requestTimeoutMs: 1e9 } }, 'limits.requestTimeoutMs'],
    [{ windows: Number.NaN }, 'windows'],
    [{ windows: 24, replacements: 11 }, 'replacements'],
    [{ replacements: -1 }, 'replacements'],
    [{ blocks: { seconds: 1 }, windowSeconds: 2 }, 'blocks.seconds'],
    [{ blocks: { seconds: 6 }, windowSeconds: 12 }, 'blocks.seconds'],
    [{ blocks: { seconds: 2 }, windowSeconds: 2 }, 'windowSeconds: is twice blocks.seconds'],
  ])('refuses %j', (change, words) => {
    expect(problem(change)).toContain(words);
  });

  it('refuses what is not JSON', () => {
    expect(() => parseMeasurementPlan('{')).toThrow('not JSON');
  });
});
