import { describe, expect, it } from 'vitest';
import { handTuned } from './configurations.ts';
import { readOptions } from './options.ts';
import { plotOf } from './plot.ts';
import { goalsOf, rowOf, type Row } from './rows.ts';
import { roundsOf, turnsOf } from './turns.ts';
import { costOf, logRatiosOf, readingOf, typical, windowOf, type LoadWindow } from './window.ts';
import { WORKLOADS } from './workloads.ts';

const window = (completedPerSecond: number, unfit?: string): LoadWindow => ({
  completedPerSecond,
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 3,
  failedShare: 0,
  ...(unfit === undefined ? {} : { unfit }),
});

describe('turns', () => {
  it('go A BB AA BB A, each pair of neighbours', () => {
    expect(turnsOf(4)).toEqual([
      { lane: 'incumbent', windows: 1 },
      { lane: 'challenger', windows: 2 },
      { lane: 'incumbent', windows: 2 },
      { lane: 'challenger', windows: 2 },
      { lane: 'incumbent', windows: 1 },
    ]);
  });

  it('give every lane every place in a round', () => {
    expect(roundsOf(['a', 'b', 'c'], 3)).toEqual(['a', 'b', 'c', 'b', 'c', 'a', 'c', 'a', 'b']);
  });
});

describe('windows', () => {
  it('count right answers, and all failures when nothing came', () => {
    expect(windowOf([1, 2, 3, 4], 1, 2, undefined)).toMatchObject({
      completedPerSecond: 2,
      failedShare: 0.2,
      p50Ms: 2,
    });
    expect(windowOf([], 0, 2, undefined).failedShare).toBe(1);
  });

  it('are compared pair by pair, better below 0, without spoilt and empty ones', () => {
    const challenger = [window(200), window(200, 'others'), window(0), window(100)];
    const incumbent = [window(100), window(100), window(100), window(100)];
    const ratios = logRatiosOf('throughput', { challenger, incumbent });
    expect(ratios).toEqual([-Math.log(2), 0]);
    expect(logRatiosOf('p95', { challenger, incumbent })).toEqual([0, 0, 0]);
  });

  it('are read back from what they cost', () => {
    expect(readingOf('throughput', costOf('throughput', window(250)))).toBe(250);
    expect(readingOf('p95', costOf('p95', window(250)))).toBe(2);
  });

  it('have a median that spoilt ones do not move', () => {
    const windows = [window(1), window(2), window(9, 'others')];
    expect(typical(windows, (one) => one.completedPerSecond)).toBe(1.5);
  });
});

describe('what a person tuned by hand', () => {
  it('obeys the rules', () => {
    const { values } = handTuned({ cores: 2, memoryMiB: 2300, fileDescriptors: 20_000 });
    expect(values['jetty.maxThreads']).toBe(832);
  });
});

describe('rows and goals', () => {
  const [wait, , , open] = WORKLOADS;
  const session = {
    adopted: true,
    unsafe: 0,
    seconds: 300,
    points: [
      { evaluation: 1, verdict: 'started' },
      { evaluation: 2, verdict: 'adopted' },
    ] as never,
  };
  const row = (over: Partial<Row> = {}): Row => ({
    ...rowOf(wait!, 'first', { stock: 1500, handTuned: 5000, found: 4500 }, session),
    ...over,
  });

  it('say what share of hand-tuned was found; for latency the other way round', () => {
    expect(row()).toMatchObject({ foundByHandTuned: 0.9, foundByStock: 3, adoptedAt: 2 });
    const latency = rowOf(open!, 'first', { stock: 40, handTuned: 40, found: 50 }, session);
    expect(latency.foundByStock).toBe(0.8);
  });

  it('name where a goal is missed', () => {
    const rows = [
      row({ evaluations: 12 }),
      row({ pass: 'memory', evaluations: 7, foundByHandTuned: 0.89 }),
      row({ workload: open!.name, adopted: true, foundByStock: 1.06 }),
    ];
    const goals = goalsOf(WORKLOADS, rows);
    expect(goals.filter(({ reached }) => !reached).map(({ missed }) => missed)).toEqual([
      ['wait100@512, memory: 0.89'],
      ['mix@2000/s, first: 1.06 of stock'],
      ['mix@2000/s, first: a gain was claimed'],
      ['wait100@512, memory: 7 after 12'],
    ]);
  });

  it('leave out goals that nothing was run for', () => {
    expect(goalsOf(WORKLOADS, [row({ workload: open!.name, adopted: false })])).toHaveLength(2);
  });
});

describe('the plot', () => {
  it('is well-formed, marks what was unsafe, and escapes words', () => {
    const point = { source: 'expert', values: {}, seconds: 1 } as const;
    const svg = plotOf([
      {
        workload: 'a & b',
        objective: 'throughput',
        stock: 1500,
        handTuned: 5000,
        sessions: [
          {
            pass: 'first',
            points: [
              { ...point, evaluation: 1, verdict: 'started', measured: 1500, sentence: 'start' },
              { ...point, evaluation: 2, verdict: 'adopted', measured: 4900, sentence: 'p < 1' },
              { ...point, evaluation: 3, verdict: 'unsafe', sentence: 'errors' },
            ],
          },
        ],
      },
    ]);
    expect(svg).toContain('a &amp; b: right answers per second');
    expect(svg).toContain('p &lt; 1');
    expect(svg.match(/stroke="#c00"/g)).toHaveLength(1);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    for (const tag of ['g', 'text', 'title', 'svg']) {
      const opened = svg.match(new RegExp(`<${tag}[ >]`, 'g'))?.length;
      expect(svg.match(new RegExp(`</${tag}>`, 'g'))?.length).toBe(opened);
    }
  });
});

describe('options', () => {
  it('have defaults, and name what is wrong', () => {
    expect(readOptions([])).toMatchObject({ minutes: 15, budget: 10, record: false });
    expect(readOptions(['--workloads', 'mix@256']).workloads).toHaveLength(1);
    expect(() => readOptions(['--workloads', 'mix'])).toThrow('there is no "mix"');
    expect(() => readOptions(['--budget', '1'])).toThrow('from 4 to 60');
  });
});
