import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sample } from '../load/sample.ts';
import { lookSchedule } from '../statistics/look-schedule.ts';
import { createRandom, shuffled, type Random } from '../statistics/random.ts';
import { judge, judgeSequentially, type JudgeOptions } from './judge.ts';
import type { Judgement, Outcome } from './judgement.ts';
import type { JudgedMeasurement } from './measurement.ts';
import { makeMeasurement, type MeasurementRecipe } from './test-measurement.ts';
import { parseThreshold } from './threshold.ts';

const demo = ['p50 <= baseline + 10%', 'p95 <= baseline + 18%', 'errors < 1%'];

function judged(
  recipe: MeasurementRecipe,
  thresholds: readonly string[] = demo,
  options: Partial<JudgeOptions> = {},
): Judgement {
  return judgeIt(makeMeasurement(recipe), thresholds, options);
}

function judgeIt(
  measurement: JudgedMeasurement,
  thresholds: readonly string[] = demo,
  options: Partial<JudgeOptions> = {},
): Judgement {
  return judge(measurement, thresholds.map(parseThreshold), {
    seed: 1,
    requirePlanted: true,
    ...options,
  });
}

function outcomes({ outcomes: list }: Judgement): Outcome[] {
  return list.map(({ outcome }) => outcome);
}

/** The same samples, answered by so many nodes an arm. */
function withNodes(measurement: JudgedMeasurement, nodes: number): JudgedMeasurement {
  let row = 0;
  const samples = measurement.samples.map((s) => {
    row += 1;
    return { ...s, launch: `${s.arm}-${Math.floor(row / 2) % nodes}` };
  });
  return { ...measurement, samples };
}

const failing =
  (arm: string, kind: string, share: number): NonNullable<MeasurementRecipe['change']> =>
  (sample, random) =>
    sample.arm === arm && sample.kind === kind && random.next() < share
      ? { ...sample, status: '500' }
      : sample;

describe('the three pushes of the demo', () => {
  test('a build as fast as the last one passes', () => {
    const judgement = judged({});
    expect(judgement).toMatchObject({ decision: 'pass', cause: 'met' });
    expect(outcomes(judgement)).toEqual(['met', 'met', 'met']);
    expect(judgement.summary).toMatch(
      /^All 3 thresholds are met\. Nearest to its limit: p\d\d is .* % (slower|faster) \(plausible range .* to .*\)\. Limit \+1\d %: met\. Same build against itself: p50 [-+]\S+ %\. Same build against itself: p95 [-+]\S+ %\. A planted delay of 12 ms was seen as \S+ ms\. 48 s\.$/,
    );
    expect(judgement.outcomes.every(({ high, limit }) => high! < limit)).toBe(true);
  });

  test('the same build against itself is told once for a quantile, however many margins it has', () => {
    const { controls, summary } = judged({}, [...demo, 'p50 <= baseline + 90%']);
    const own = controls.filter(({ control, sentence }) => {
      return control === 'same-build' && sentence.includes('p50');
    });
    expect(own).toHaveLength(2);
    expect(summary.match(/Same build against itself: p50/g)).toHaveLength(1);
  });

  test('a build that waits 25 % longer is rolled back, and the interval holds the truth', () => {
    const judgement = judged({ slower: 1.25 }, demo, { confidence: 0.999 });
    expect(judgement).toMatchObject({ decision: 'rollback', cause: 'breached' });
    const p50 = judgement.outcomes[0]!;
    expect(p50.outcome).toBe('breached');
    expect(p50.confidence).toBeCloseTo(0.999, 12);
    const truth = (40 * 0.25) / 46;
    expect(p50.low).toBeGreaterThan(0);
    expect(p50.low).toBeLessThan(truth);
    expect(p50.high).toBeGreaterThan(truth);
    expect(p50.sentence).toMatch(
      /^p50 is \d\d(\.\d)? % slower \(plausible range \+.* Limit \+10 %: breached\.$/,
    );
  });

  test.each([['errors < 1%'], ['errors <= baseline + 0.5%']])(
    'one kind that fails cannot hide in the sum of %s, and is named',
    (threshold) => {
      const judgement = judged({ pairs: 300, change: failing('candidate', 'search', 0.02) }, [
        threshold,
      ]);
      expect(judgement.outcomes[0]).toMatchObject({ outcome: 'breached', kinds: ['search'] });
      expect(judgement.outcomes[0]!.candidate).toBeLessThan(0.01);
      expect(judgement.outcomes[0]!.sentence).toContain('search (');
    },
  );
});

describe('errors', () => {
  test('a kind that fails in both arms alike breaks nothing', () => {
    const judgement = judged(
      { change: (sample, random) => failing(sample.arm, 'search', 0.01)(sample, random) },
      ['errors < 1%', 'errors <= baseline + 1%'],
    );
    expect(outcomes(judgement)).toEqual(['met', 'met']);
    expect(judgement.outcomes.every(({ kinds }) => kinds === undefined)).toBe(true);
  });

  test('an absolute limit that both arms break says nothing of the candidate', () => {
    const change: MeasurementRecipe['change'] = (sample, random) =>
      random.next() < 0.05 ? { ...sample, status: 'timeout' } : sample;
    const judgement = judged({ change }, ['errors < 1%']);
    expect(judgement.outcomes[0]!.outcome).toBe('invalid');
    expect(judgement.outcomes[0]!.sentence).toContain('both arms');
  });

  test('too few requests to show a limit do not pass', () => {
    expect(outcomes(judged({ pairs: 60 }, ['errors < 0.1%']))).toEqual(['inconclusive']);
  });

  test('a kind can be asked for alone', () => {
    const change = failing('candidate', 'search', 0.1);
    expect(
      outcomes(judged({ change }, ['errors{kind=search} < 2%', 'errors{kind=cart} < 2%'])),
    ).toEqual(['breached', 'met']);
    expect(outcomes(judged({}, ['errors{kind=nobody} < 2%']))).toEqual(['invalid']);
  });
});

describe('latency', () => {
  test('failures and time-outs are latencies without end', () => {
    const judgement = judged({ change: failing('candidate', 'search', 0.6) }, [
      'p95 <= baseline + 18%',
    ]);
    expect(judgement.outcomes[0]).toMatchObject({ outcome: 'breached' });
    expect(judgement.outcomes[0]).not.toHaveProperty('effect');
    expect(judgement.outcomes[0]!.sentence).toContain('no p95 in 24 of 24 windows');
    const absolute = judged({ change: failing('candidate', 'search', 0.6) }, ['p95 < 500ms']);
    expect(absolute.outcomes[0]).toMatchObject({ outcome: 'breached' });
  });

  test('all failures are no measurement', () => {
    const change = (sample: Sample): Sample => ({ ...sample, status: 'refused' });
    const judgement = judged({ change });
    expect(judgement.cause).toBe('invalid');
    expect(JSON.stringify(judgement)).not.toMatch(/null|NaN/);
  });

  test('absolute limits: within, broken by the candidate, broken by both', () => {
    expect(outcomes(judged({}, ['p50 < 60ms', 'p50 < 0.06s']))).toEqual(['met', 'met']);
    expect(outcomes(judged({ slower: 2 }, ['p50 < 60ms']))).toEqual(['breached']);
    expect(outcomes(judged({ slower: 2 }, ['p50 < 40ms']))).toEqual(['invalid']);
  });

  test('a margin in milliseconds, of one kind', () => {
    const change = (sample: Sample): Sample =>
      sample.arm === 'candidate' && sample.kind === 'search'
        ? { ...sample, latencyUs: sample.latencyUs + 30_000 }
        : sample;
    const judgement = judged({ change }, [
      'p50{kind=search} <= baseline + 10ms',
      'p50{kind=cart} <= baseline + 10ms',
    ]);
    expect(outcomes(judgement)).toEqual(['breached', 'met']);
    expect(judgement.outcomes[0]!.effect).toBeGreaterThan(20);
  });

  // Complaint 13 of gates.md: a faster build fails.
  test('a faster build never fails for being faster', () => {
    const judgement = judged({ slower: 0.6 }, [...demo, 'throughput >= baseline - 5%']);
    expect(judgement.cause).toBe('met');
    expect(judgement.outcomes[0]!.sentence).toContain('faster');
  });

  test('a quantile needs requests enough in a window', () => {
    const judgement = judged({ pairs: 60 }, ['p99 <= baseline + 50%']);
    expect(judgement.outcomes[0]!.outcome).toBe('invalid');
    expect(judgement.outcomes[0]!.sentence).toContain('p99 needs 100');
  });
});

describe('throughput, CPU, capacity', () => {
  test('requests that are never answered cost throughput', () => {
    const change: MeasurementRecipe['change'] = (sample, random) =>
      sample.arm === 'candidate' && random.next() < 0.15
        ? { ...sample, status: 'timeout' }
        : sample;
    expect(
      outcomes(judged({ change }, ['throughput >= baseline - 5%', 'throughput >= 95%'])),
    ).toEqual(['breached', 'breached']);
    expect(outcomes(judged({}, ['throughput >= baseline - 5%', 'throughput >= 95%']))).toEqual([
      'met',
      'met',
    ]);
  });

  test('the interval of throughput lies around the effect', () => {
    const change: MeasurementRecipe['change'] = (sample, random) =>
      sample.arm === 'candidate' && random.next() < 0.02 ? { ...sample, status: 'reset' } : sample;
    const [outcome] = judged({ change }, ['throughput >= baseline - 5%']).outcomes;
    expect(outcome!.effect).toBeLessThan(-0.01);
    expect(outcome!.low).toBeLessThan(outcome!.effect!);
    expect(outcome!.high).toBeGreaterThan(outcome!.effect!);
    expect(outcome!.high).toBeLessThan(0);
  });

  test('CPU totals alone show nothing either way', () => {
    const measurement = { ...makeMeasurement({}), cpuSeconds: { baseline: 3.6, candidate: 3.6 } };
    const [outcome] = judgeIt(measurement, ['cpu_per_request <= baseline + 5%']).outcomes;
    expect(outcome).toMatchObject({
      outcome: 'inconclusive',
      effect: 0,
      valueUnit: 'cpu-ms',
      candidate: 1,
    });
  });

  test('CPU by window decides', () => {
    const random = createRandom(3, 'cpu');
    const cpu = (factor: number): JudgedMeasurement => ({
      ...makeMeasurement({}),
      cpuSecondsByWindow: Array.from({ length: 24 }, (_, window) => [
        { window, arm: 'baseline' as const, seconds: 0.2 + 0.01 * random.next() },
        { window, arm: 'candidate' as const, seconds: (0.2 + 0.01 * random.next()) * factor },
      ]).flat(),
    });
    const threshold = ['cpu_per_request <= baseline + 5%'];
    expect(outcomes(judgeIt(cpu(1), threshold))).toEqual(['met']);
    expect(outcomes(judgeIt(cpu(1.2), threshold))).toEqual(['breached']);
  });

  test('what was not measured is invalid', () => {
    const judgement = judged({}, ['capacity >= baseline - 5%', 'cpu_per_request <= baseline + 5%']);
    expect(outcomes(judgement)).toEqual(['invalid', 'invalid']);
    expect(judgement).toMatchObject({ decision: 'rollback', cause: 'invalid' });
  });
});

describe('controls', () => {
  const control = (judgement: Judgement, name: string): boolean | undefined =>
    judgement.controls.find((one) => one.control === name)?.passed;

  test('a planted delay that is not found again makes it invalid', () => {
    const change = (sample: Sample): Sample =>
      sample.arm === 'planted' ? { ...sample, latencyUs: sample.latencyUs - 11_000 } : sample;
    const judgement = judged({ change, slower: 1.5 });
    expect(control(judgement, 'planted')).toBe(false);
    // An invalid control takes precedence over a breach.
    expect(judgement.cause).toBe('invalid');
    expect(outcomes(judgement)).toContain('breached');
  });

  test.each([
    // As far as a proxy's clock may be off …
    [2.5, 4.3, true],
    [2.5, 0.6, true],
    [2.5, 5.5, false],
    // … or half of what was planned, whichever is more.
    [10, 14.5, true],
    [10, 5.5, true],
    [10, 16, false],
    [10, 4, false],
  ])('a delay of %d ms that is seen as %d ms counts as found: %s', (plannedMs, realMs, found) => {
    // With so little spread that no interval reaches from one to the other.
    const change = (sample: Sample, random: Random): Sample => {
      if (sample.window < 24) return sample;
      const latencyUs = 46_000 + (sample.arm === 'planted' ? realMs * 1000 : 0);
      return { ...sample, latencyUs: latencyUs + Math.round(100 * random.next()) };
    };
    const measurement = { ...makeMeasurement({ change }), plantedDelayUs: plannedMs * 1000 };
    expect(control(judgeIt(measurement), 'planted')).toBe(found);
  });

  test('the same-build split is random: as noisy as halves are, and another with another seed', () => {
    const measurement = makeMeasurement({ plantedWindows: 0 });
    const widths: number[] = [];
    const effects = new Set<number>();
    let main = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const options = { seed, requirePlanted: false, confidence: 0.95 };
      const { controls, outcomes: list } = judgeIt(measurement, ['p50 <= baseline + 10%'], options);
      const { effect, low, high } = controls.find((one) => one.control === 'same-build')!;
      widths.push(high! - low!);
      effects.add(effect!);
      main = list[0]!.high! - list[0]!.low!;
    }
    expect(effects.size).toBe(12);
    // Halves hold half the requests of an arm: about √2 times the width between the arms.
    const mean = widths.reduce((sum, width) => sum + width, 0) / widths.length;
    expect(mean / main).toBeGreaterThan(1.05);
    expect(mean / main).toBeLessThan(1.9);
  });

  test('a missing planted block counts only where it is required', () => {
    const recipe = { plantedWindows: 0 };
    expect(judged(recipe).cause).toBe('invalid');
    const optional = judged(recipe, demo, { requirePlanted: false });
    expect(optional.cause).toBe('met');
    expect(optional.controls).toContainEqual(
      expect.objectContaining({ control: 'planted', notRun: true, passed: true }),
    );
  });

  test('spoilt windows are dropped, both arms together; too many are invalid', () => {
    const spoilt = (count: number): MeasurementRecipe => ({
      fitness: (window) => (window < count ? { latenessP99Us: 400_000 } : {}),
    });
    const few = judged(spoilt(5));
    expect(few).toMatchObject({ cause: 'met', windows: { planned: 24, counted: 19, dropped: 5 } });
    const many = judged(spoilt(8));
    expect(many.cause).toBe('invalid');
    expect(many.summary).toContain('8 of 24 windows were spoilt');
  });

  test('a baseline too noisy for the margin is invalid', () => {
    const judgement = judged({ pairs: 12 }, ['p50 <= baseline + 1%']);
    expect(control(judgement, 'same-build')).toBe(false);
    expect(judgement.cause).toBe('invalid');
  });

  test.each([
    ['sent', { sent: 1, received: 1, inFlight: 0, cpuSeconds: 1 }],
    ['contradiction', { sent: 9000, received: 8000, inFlight: 0, cpuSeconds: 1 }],
    ['in flight', { sent: 9000, received: 8000, inFlight: 1000, cpuSeconds: 1 }],
    ['NaN', { sent: NaN, received: NaN, inFlight: 0, cpuSeconds: 1 }],
  ])('counters that do not add up are invalid (%s)', (_, counters) => {
    expect(judgeIt({ ...makeMeasurement({}), counters }).cause).toBe('invalid');
  });

  test('windows in which nobody watched other processes count only where the sender is no control', () => {
    const measurement = makeMeasurement({});
    const fitness = measurement.fitness.map((report) => {
      const { window, latenessP99Us, runQueueShare, sent, received } = report;
      return { window, latenessP99Us, runQueueShare, sent, received };
    });
    const required = judgeIt({ ...measurement, fitness });
    expect(required.cause).toBe('invalid');
    expect(required.summary).toContain('nobody watched how much CPU other processes used');
    const optional = judgeIt({ ...measurement, fitness }, demo, { requireSender: false });
    expect(optional).toMatchObject({ cause: 'met', windows: { counted: 24, dropped: 0 } });
    expect(optional.controls.find((one) => one.control === 'sender')?.sentence).toContain(
      'nobody watched',
    );
  });

  test('no counters and no word on fitness are invalid unless allowed', () => {
    const { windowsPlanned, samples, plantedDelayUs = 0 } = makeMeasurement({});
    const bare = { windowsPlanned, samples, plantedDelayUs, fitness: [] };
    expect(judgeIt(bare).cause).toBe('invalid');
    expect(judgeIt(bare, demo, { requireSender: false }).cause).toBe('met');
  });

  test.each(['failed', 'terminated'] as const)('a measurement that %s is invalid', (ended) => {
    expect(judgeIt({ ...makeMeasurement({}), ended }).cause).toBe('invalid');
    expect(judgeIt({ ...makeMeasurement({}), ended: 'planned' }).cause).toBe('met');
  });

  test('never steady is inconclusive', () => {
    expect(judgeIt({ ...makeMeasurement({}), steady: false }).cause).toBe('inconclusive');
    expect(judged({}, demo, { steady: false })).toMatchObject({
      decision: 'rollback',
      cause: 'inconclusive',
    });
  });
});

describe('missing and odd evidence never passes', () => {
  const base = makeMeasurement({});
  const without = (arm: string): readonly Sample[] =>
    base.samples.filter((sample) => sample.arm !== arm);
  const first = base.samples[0]!;
  const odd = (change: Partial<Sample>): JudgedMeasurement => ({
    ...base,
    samples: [{ ...first, ...change }, ...base.samples.slice(1)],
  });
  const cases: Record<string, JudgedMeasurement> = {
    'no samples': { ...base, samples: [] },
    'nothing at all': { windowsPlanned: 24, samples: [], fitness: [] },
    'no candidate': { ...base, samples: without('candidate') },
    'no baseline': { ...base, samples: without('baseline') },
    'half of the candidate lost': {
      ...base,
      samples: base.samples.filter((sample, i) => sample.arm !== 'candidate' || i % 4 < 2),
    },
    'a latency of NaN': odd({ latencyUs: NaN }),
    'a negative latency': odd({ latencyUs: -1 }),
    'an absurd latency': odd({ latencyUs: 1e15 }),
    'a clock step': odd({ intendedUs: -5 }),
    'a window of NaN': odd({ window: NaN }),
    'planned windows NaN': { ...base, windowsPlanned: NaN },
    'planned windows none': { ...base, windowsPlanned: 0 },
    'fewer windows than planned': { ...base, windowsPlanned: 60 },
    'five windows': { ...makeMeasurement({ windows: 5 }) },
    'a million ties': {
      ...base,
      samples: base.samples.map((sample) => ({ ...sample, latencyUs: 40_000 })),
    },
    'impossible fitness': {
      ...base,
      fitness: base.fitness.map((fitness) => ({ ...fitness, latenessP99Us: NaN })),
    },
    'windows the sender did not report on': { ...base, fitness: base.fitness.slice(0, 10) },
    'only warm-up': { ...base, samples: base.samples.map((sample) => ({ ...sample, window: -1 })) },
  };

  test.each(Object.keys(cases))('%s', (name) => {
    const judgement = judgeIt(cases[name]!);
    expect(judgement).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(outcomes(judgement)).not.toContain('breached');
    expect(judgement.summary).toMatch(/^Not a valid measurement: .{20}/);
    expect(JSON.stringify(judgement)).not.toMatch(/null|undefined/);
  });

  test('no thresholds', () => {
    expect(judgeIt(base, [])).toMatchObject({ decision: 'rollback', cause: 'invalid' });
  });

  test('without a baseline arm only absolute limits are judged', () => {
    const samples = without('baseline').filter(({ arm }) => arm !== 'planted');
    const count = samples.length;
    const alone = {
      ...base,
      samples,
      fitness: base.fitness
        .slice(0, base.windowsPlanned)
        .map((fit) => ({ ...fit, sent: fit.sent / 2, received: fit.received / 2 })),
      counters: { sent: count, received: count, inFlight: 0, cpuSeconds: 1 },
    };
    const options = { baseline: false, requirePlanted: false };
    const judgement = judgeIt(
      alone,
      ['p50 < 60ms', 'errors < 1%', 'p95 <= baseline + 5%'],
      options,
    );
    expect(judgement.cause).toBe('met');
    expect(judgement.outcomes).toHaveLength(2);
    expect(judgement.summary).toContain('p95 <= baseline + 5% could not be judged');
    expect(judgeIt(alone, ['p95 <= baseline + 5%'], options).cause).toBe('invalid');
  });
});

describe('properties', () => {
  const base = makeMeasurement({ pairs: 60, slower: 1.08 });
  const measurement = withNodes(base, 2);
  const relative = ['p50 <= baseline + 10%', 'p90 <= baseline + 20%'];
  const quick = { numRuns: 8 };

  test('the same measurement, thresholds and seed give the same judgement, in any order of lines', () => {
    const expected = judgeIt(measurement, relative);
    expect(judgeIt(measurement, relative)).toEqual(expected);
    const random = createRandom(1, 'lines');
    const other = { ...measurement, samples: shuffled(measurement.samples, random) };
    expect(judgeIt(other, relative)).toEqual(expected);
  });

  test.each([2, 7])('scaling both arms of %i nodes changes no relative outcome', (nodes) => {
    const measurement = withNodes(base, nodes);
    const expected = judgeIt(measurement, relative, { requirePlanted: false });
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 50, noNaN: true }), (factor) => {
        const scaled = {
          ...measurement,
          samples: measurement.samples.map((s) => ({ ...s, latencyUs: s.latencyUs * factor })),
        };
        const judgement = judgeIt(scaled, relative, { requirePlanted: false });
        expect(outcomes(judgement)).toEqual(outcomes(expected));
        expect(judgement.outcomes[0]!.effect).toBeCloseTo(expected.outcomes[0]!.effect!, 6);
      }),
      quick,
    );
  });

  test.each([2, 7])('swapping the arms of %i nodes mirrors the effect', (nodes) => {
    const measurement = withNodes(base, nodes);
    const swapped = {
      ...measurement,
      samples: measurement.samples.map((s) => ({
        ...s,
        arm:
          s.arm === 'baseline'
            ? ('candidate' as const)
            : s.arm === 'candidate'
              ? ('baseline' as const)
              : s.arm,
      })),
    };
    const options = { requirePlanted: false };
    const [one] = judgeIt(measurement, relative, options).outcomes;
    const [other] = judgeIt(swapped, relative, options).outcomes;
    expect((1 + one!.effect!) * (1 + other!.effect!)).toBeCloseTo(1, 10);
    expect((1 + one!.low!) * (1 + other!.high!)).toBeCloseTo(1, 10);
  });

  test.each([2, 7])('the names of %i nodes an arm change nothing', (nodes) => {
    const many = withNodes(measurement, nodes);
    const names = [...new Set(many.samples.map(({ launch }) => launch))];
    const expected = judgeIt(many, relative);
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (others) => {
        const other = new Map(names.map((name, index) => [name, `x-${others[index]!}`]));
        const samples = many.samples.map((s) => ({ ...s, launch: other.get(s.launch)! }));
        expect(judgeIt({ ...many, samples }, relative)).toEqual(expected);
      }),
      quick,
    );
  });

  test('slower in every window is never a better outcome', () => {
    const order: Outcome[] = ['met', 'inconclusive', 'breached'];
    let before = 0;
    for (const factor of [0.9, 1, 1.05, 1.1, 1.2, 1.4]) {
      const scaled = {
        ...measurement,
        samples: measurement.samples.map((s) =>
          s.arm === 'candidate' ? { ...s, latencyUs: s.latencyUs * factor } : s,
        ),
      };
      const rank = order.indexOf(judgeIt(scaled, ['p50 <= baseline + 10%']).outcomes[0]!.outcome);
      expect(rank).toBeGreaterThanOrEqual(before);
      before = rank;
    }
    expect(before).toBe(2);
  });
});

describe('looks', () => {
  test('a stored measurement is judged with the looks of the live run', () => {
    const slow = makeMeasurement({ slower: 1.8 });
    const stored = judgeSequentially(slow, demo.map(parseThreshold), {
      seed: 1,
      requirePlanted: true,
    });
    expect(stored).toMatchObject({ looks: 1, windows: 8, judgement: { cause: 'breached' } });
    const live = {
      ...slow,
      samples: slow.samples.filter(({ window }) => window < 8 || window >= 24),
    };
    const { outcomes: seen } = judgeIt(live, demo, { look: 8 });
    expect(seen).toEqual(stored.judgement.outcomes);
  });

  const spoilt =
    (...numbers: readonly number[]): NonNullable<MeasurementRecipe['fitness']> =>
    (window) =>
      numbers.includes(window) ? { latenessP99Us: 400_000 } : {};

  test('looks go by windows that count: each spoilt one puts them off', () => {
    const recipe = { slower: 1.8, windows: 30, fitness: spoilt(0, 3, 7) };
    const replaced = { ...makeMeasurement(recipe), windowsPlanned: 24 };
    const { judgement, looks, windows, seconds } = judgeSequentially(
      replaced,
      demo.map(parseThreshold),
      { seed: 1 },
    );
    expect({ looks, windows, cause: judgement.cause }).toEqual({
      looks: 1,
      windows: 11,
      cause: 'breached',
    });
    expect(judgement.windows).toEqual({ planned: 24, counted: 8, dropped: 3 });
    expect(judgement.outcomes[0]).toMatchObject({ windows: 8, requests: 8 * 300 });
    expect(seconds).toBeGreaterThan(19);
    expect(seconds).toBeLessThan(22);
  });

  test('replaced windows make it whole; the last look is at the planned number', () => {
    const recipe = { windows: 30, slower: 1.09, fitness: spoilt(1, 2, 20, 21, 22, 23) };
    const replaced = { ...makeMeasurement(recipe), windowsPlanned: 24 };
    const thresholds = ['p50 <= baseline + 7.5%'].map(parseThreshold);
    const { judgement, looks } = judgeSequentially(replaced, thresholds, { seed: 1 });
    expect(looks).toBe(lookSchedule(24).length);
    expect(judgement.windows).toEqual({ planned: 24, counted: 24, dropped: 6 });
    expect(judgement.cause).not.toBe('invalid');
  });

  test('when nothing more comes, a look before the planned number is the last one', () => {
    const measurement = { ...makeMeasurement({ windows: 20 }), windowsPlanned: 24 };
    const confidence = (options: Partial<JudgeOptions>, ended?: 'planned' | 'stopped'): number =>
      judgeIt({ ...measurement, ...(ended && { ended }) }, demo, options).outcomes[0]!.confidence;
    const last = confidence({});
    expect(confidence({ look: 20 }, 'planned')).toBe(last);
    expect(confidence({ look: 20, final: true })).toBe(last);
    expect(confidence({ look: 20 }, 'stopped')).toBeGreaterThan(last);
    expect(confidence({ look: 16 }, 'planned')).toBeGreaterThan(last);
  });

  test('it goes on while the baseline is too noisy against itself', () => {
    const noisy = makeMeasurement({ slower: 3, pairs: 25, plantedWindows: 0 });
    const options = { requirePlanted: false };
    const early = judgeIt(noisy, ['p50 <= baseline + 8%'], { ...options, look: 8 });
    const { judgement, looks } = judgeSequentially(
      noisy,
      ['p50 <= baseline + 8%'].map(parseThreshold),
      { seed: 1, ...options },
    );
    expect(early.outcomes[0]!.outcome).toBe('breached');
    expect(looks).toBeGreaterThan(1);
    expect(judgement.controls).toContainEqual(expect.objectContaining({ control: 'same-build' }));
  });

  test('an interim look asks for more than the last one', () => {
    const measurement = makeMeasurement({});
    const early = judgeIt(measurement, demo, { look: 12 }).outcomes[0]!;
    const late = judgeIt(measurement, demo).outcomes[0]!;
    expect(early.confidence).toBeGreaterThan(late.confidence);
    expect(judgeIt(measurement, demo, { look: 12 }).windows.counted).toBe(12);
  });

  test('ending early without a settled look is invalid at the end', () => {
    const measurement = makeMeasurement({ windows: 12 });
    expect(judgeIt({ ...measurement, windowsPlanned: 24 }, demo).cause).toBe('invalid');
  });
});
