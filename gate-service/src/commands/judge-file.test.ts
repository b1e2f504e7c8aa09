/** Stored files of any origin and in any state: a clear word about each, and never a pass that is not earned. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeMeasurement } from '../judge/test-measurement.ts';
import { parseThreshold } from '../judge/threshold.ts';
import {
  FORMAT,
  formatCounters,
  formatFitness,
  formatMetadata,
  formatSample,
  HEADER,
} from '../load/sample-format.ts';
import type { Measurement, Sample } from '../load/sample.ts';
import { createRandom, shuffled } from '../statistics/random.ts';
import { judgeFile, judgeMeasurement, type FileReport, type JudgingOptions } from './judge-file.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

const required: JudgingOptions = {
  thresholds: ['p50 <= baseline + 15%', 'errors < 2%'].map(parseThreshold),
  shown: [],
  controlsRequired: true,
  seed: 1,
  arms: { reference: 'baseline', subject: 'candidate' },
  notes: [],
};
const optional: JudgingOptions = { ...required, controlsRequired: false };

const good = makeMeasurement({ windows: 10, pairs: 100 });

function linesOf(measurement: Measurement): string[] {
  const { samples, fitness, counters, ...metadata } = measurement;
  return [
    `# format: ${FORMAT}`,
    ...formatMetadata(metadata),
    HEADER,
    ...samples.map(formatSample),
    ...fitness.map(formatFitness),
    ...(counters === undefined ? [] : formatCounters(counters)),
  ];
}
const lines = linesOf(good);

const STACK_TRACE = /\.ts:\d|\bat [A-Za-z.]+ \(|is not a function|Cannot read|RangeError|TypeError/;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judge-file-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function judged(
  content: string | Buffer | readonly string[],
  options = required,
): Promise<FileReport> {
  const file = join(folder, 'x.csv');
  await writeFile(
    file,
    typeof content === 'string' || Buffer.isBuffer(content) ? content : content.join('\n'),
  );
  return judgeFile(file, options);
}

function expectNoPass(report: FileReport): void {
  expect(report).toMatchObject({ decision: 'rollback' });
  expect(report.cause).not.toBe('met');
  const said = JSON.stringify(report);
  expect(said).not.toMatch(STACK_TRACE);
  // An error quotes what it found; what was computed holds no such numbers.
  expect(JSON.stringify({ ...report, error: '' })).not.toMatch(/NaN|Infinity|undefined/);
  expect(said.length).toBeLessThan(20_000);
}

describe('a file of any tool', () => {
  test('as the sender writes it', async () => {
    const report = await judged(lines);
    expect(report).toMatchObject({
      decision: 'pass',
      cause: 'met',
      looks: 1,
      notes: ['the file holds no warm-up windows'],
    });
    expect(report.evidence[0]).toMatchObject({ threshold: 'p50 <= baseline + 15%', unit: 'ratio' });
    expect(Math.abs(report.evidence[0]!.effect!)).toBeLessThan(0.15);
    expect(report.secondsUsed).toBeGreaterThan(2 * (report.windows!.counted - 1));
    expect(report.secondsUsed).toBeLessThanOrEqual(2 * report.windows!.counted);
  });

  test('rows in any order, other columns, CRLF, a byte order mark, windows from 100 on, gzip: the same', async () => {
    const expected = await judged(lines);
    const random = createRandom(1, 'rows');
    const from100 = (sample: Sample): Sample => ({ ...sample, window: sample.window + 100 });
    const moved: Measurement = {
      ...good,
      samples: good.samples.map(from100),
      fitness: good.fitness.map((fit) => ({ ...fit, window: fit.window + 100 })),
    };
    const columns = [
      'status',
      'host',
      'latency_us',
      'kind',
      'window',
      'launch',
      'arm',
      'intended_us',
      'note',
    ];
    const rows = shuffled(moved.samples, random).map((s) =>
      [s.status, 'h', s.latencyUs, s.kind, s.window, s.launch, s.arm, s.intendedUs, ''].join(','),
    );
    const facts = linesOf({ ...moved, samples: [] }).filter((line) => line !== HEADER);
    const other = `\u{feff}${[...facts.slice(0, 1), columns.join(','), ...rows, ...facts.slice(1)].join('\r\n')}\r\n`;
    for (const content of [other, gzipSync(other)]) {
      const report = await judged(content);
      expect({ ...report, controls: [] }).toEqual({ ...expected, controls: [] });
    }
  });

  test('without any # line but the format: only where controls are optional, and that is said', async () => {
    const bare = lines.filter((line) => !line.startsWith('#') && !line.startsWith('planted'));
    const ofCounted = bare.filter((line) => line === HEADER || Number(line.split(',')[2]) < 10);
    const content = [lines[0]!, ...ofCounted];
    const report = await judged(content, optional);
    expect(report).toMatchObject({ decision: 'pass', cause: 'met', windows: { planned: 10 } });
    for (const control of ['planted', 'sender', 'counts']) {
      expect(report.notes.join('\n')).toContain(`control "${control}" was not run`);
    }
    expect(await judged(content)).toMatchObject({ decision: 'rollback', cause: 'invalid' });
  });

  test.each(['sent', 'received'])(
    'controls are required: no pass without # %s in a file of this sender',
    async (key) => {
      const content = lines.filter((line) => !line.startsWith(`# ${key}:`));
      expect((await judged(content)).cause).toBe('invalid');
      expect((await judged(content, optional)).cause).toBe('met');
    },
  );

  describe('that knows rows only', () => {
    const rows = lines.filter((line) => !/^# (?!format)/.test(line));

    test('is judged with the planted block that it holds; what it lacks is noted', async () => {
      const report = await judged(rows);
      expect(report).toMatchObject({ decision: 'pass', cause: 'met' });
      const notes = report.notes.join('\n');
      expect(notes).toContain('nobody said whether the arms were steady after warm-up');
      expect(notes).toContain('control "sender" was not run');
      expect(notes).toContain('control "counts" was not run');
      const planted = report.controls.find(({ control }) => control === 'planted');
      expect(planted?.sentence).toContain('a planted delay of unknown size was seen as');
    });

    test('does not pass where nothing was planted', async () => {
      const none = rows.filter((line) => !line.startsWith('planted'));
      expect(await judged(none)).toMatchObject({ cause: 'invalid' });
      const undelayed = makeMeasurement({ windows: 10, pairs: 100, plantedMs: 0 });
      const content = [rows[0]!, HEADER, ...undelayed.samples.map(formatSample)];
      const report = await judged(content);
      expect(report.cause).toBe('invalid');
      expect(report.summary).toContain('was not found again');
    });

    test('may plant beside the comparison, or without a baseline of its own', () => {
      const delayed = makeMeasurement({ windows: 10, pairs: 100, plantedMs: 40 });
      const bare = { ...delayed, fitness: [], windowsPlanned: 0 };
      const { counters, plantedDelayUs, steady, ...foreign } = bare;
      expect([counters, plantedDelayUs, steady]).not.toContain(undefined);
      const moved = foreign.samples.flatMap((sample): Sample[] => {
        if (sample.window < 10) return [sample];
        return sample.arm === 'planted' ? [{ ...sample, window: sample.window - 10 }] : [];
      });
      const beside = judgeMeasurement('f', { ...foreign, samples: moved }, required);
      expect(beside).toMatchObject({ cause: 'met', windows: { planned: 10, dropped: 0 } });
      const alone = foreign.samples.filter(({ arm, window }) => window < 10 || arm === 'planted');
      const borrowed = judgeMeasurement(
        'f',
        { ...foreign, windowsPlanned: 10, samples: alone },
        required,
      );
      expect(borrowed).toMatchObject({ cause: 'met', windows: { planned: 10, dropped: 0 } });
    });
  });

  test('a slower build is seen there too', async () => {
    const slow = makeMeasurement({ windows: 10, pairs: 100, slower: 1.5, plantedWindows: 0 });
    const report = await judged([lines[0]!, HEADER, ...slow.samples.map(formatSample)], optional);
    expect(report).toMatchObject({ decision: 'rollback', cause: 'breached' });
  });

  test('the delay of the planted block may be named beside the file', () => {
    const { plantedDelayUs, ...unnamed } = good;
    expect(judgeMeasurement('f', unnamed, required).cause).toBe('met');
    expect(
      judgeMeasurement('f', unnamed, { ...required, plantedDelayUs: plantedDelayUs! }),
    ).toMatchObject({ cause: 'met' });
    expect(judgeMeasurement('f', unnamed, { ...required, plantedDelayUs: 200_000 })).toMatchObject({
      cause: 'invalid',
    });
  });

  test('effects in milliseconds are milliseconds', () => {
    const change = (sample: Sample): Sample =>
      sample.arm === 'candidate' ? { ...sample, latencyUs: sample.latencyUs + 20_000 } : sample;
    const report = judgeMeasurement('f', makeMeasurement({ windows: 10, change }), {
      ...required,
      thresholds: [parseThreshold('p50 <= baseline + 10ms')],
    });
    expect(report.evidence[0]).toMatchObject({ unit: 'ms', outcome: 'breached' });
    expect(report.evidence[0]!.effect).toBeCloseTo(20, -1);
  });

  test('a tuning file compares the arms that are named', () => {
    const tuning = makeMeasurement({ windows: 10, pairs: 100 });
    const samples = tuning.samples.map((sample): Sample => ({
      ...sample,
      arm:
        sample.arm === 'baseline'
          ? 'candidate'
          : sample.arm === 'candidate'
            ? 'challenger'
            : 'planted',
    }));
    const arms = { reference: 'candidate', subject: 'challenger' } as const;
    expect(judgeMeasurement('f', { ...tuning, samples }, { ...required, arms }).cause).toBe('met');
    expectNoPass(judgeMeasurement('f', { ...tuning, samples }, required));
  });
});

describe('hostile content is never a pass', () => {
  const first = lines.indexOf(HEADER) + 1;
  const replaced = (field: number, value: string): string[] =>
    lines.map((line, index) =>
      index === first ? line.split(',').with(field, value).join(',') : line,
    );
  const mapped = (change: (sample: Sample, index: number) => Sample | undefined): string[] =>
    linesOf({
      ...good,
      samples: good.samples.flatMap((sample, index) => change(sample, index) ?? []),
    });

  test.each<[string, string | Buffer | readonly string[], string]>([
    ['NaN', replaced(5, 'NaN'), 'latency_us is a number'],
    ['infinity', replaced(5, 'Infinity'), 'latency_us is a number'],
    ['1e999', replaced(5, '1e999'), 'latency_us is a number'],
    ['hexadecimal', replaced(4, '0x10'), 'intended_us is a number'],
    ['a negative latency', replaced(5, '-20'), 'impossible samples'],
    ['an absurd latency', replaced(5, '1e15'), 'impossible samples'],
    ['a negative time', replaced(4, '-9000000'), 'impossible samples'],
    ['an empty field', replaced(5, ''), 'latency_us is a number'],
    ['window 1e9', replaced(2, '1e9'), 'window is a whole number'],
    ['window 1000000000', replaced(2, '1000000000'), 'no measurement has a window'],
    ['a status that went well', replaced(6, '200'), 'written as "ok"'],
    ['a terminal sequence', replaced(0, '\u{1b}[2J'), '\u{fffd}[2J'],
    ['a quoted row', replaced(0, '"baseline"'), 'is not an arm'],
    ['another header', lines.with(first - 1, HEADER.replace('kind', 'sort')), 'no column "kind"'],
    [
      'a column twice',
      lines.map((l, i) =>
        i === first - 1 ? `${l},window` : i >= first && !l.startsWith('#') ? `${l},0` : l,
      ),
      'twice',
    ],
    ['no header', lines.toSpliced(first - 1, 1), 'no column "arm"'],
    ['nothing', '', 'no header row'],
    ['only the header', [lines[0]!, HEADER], 'no samples'],
    ['two files in one', [...lines, ...lines], 'is not an arm'],
    ['a sent that contradicts', [...lines, '# sent: 7'], 'contradict'],
    ['a received that contradicts', [...lines, '# received: 999', '# sent: 999'], 'samples'],
    [
      'no candidate',
      mapped((s) => (s.arm === 'candidate' ? undefined : s)),
      'answered no requests',
    ],
    ['no baseline', mapped((s) => (s.arm === 'baseline' ? undefined : s)), 'no requests'],
    ['the planted block alone', mapped((s) => (s.window < 10 ? undefined : s)), 'windows'],
    ['all failures', mapped((s) => ({ ...s, status: 'refused' })), 'fail'],
    ['ties', mapped((s) => ({ ...s, latencyUs: 5000 })), 'real latencies vary'],
    [
      'a clock that goes back',
      mapped((s) => (s.window > 4 ? { ...s, intendedUs: s.intendedUs - 7e6 } : s)),
      'went back',
    ],
    [
      'a clock that jumps',
      mapped((s) => (s.window > 4 ? { ...s, intendedUs: s.intendedUs + 36e8 } : s)),
      'jumped',
    ],
    [
      'rows twice',
      mapped((s) => s).flatMap((line) => (line.startsWith('cand') ? [line, line] : [line])),
      'unequal',
    ],
    [
      'all rows twice',
      mapped((s) => s).flatMap((line) => (/^[bcp]/.test(line) ? [line, line] : [line])),
      'rows',
    ],
    [
      'windows that are missing',
      [...lines, '# windows-planned: 999999999999999'],
      'planned windows count',
    ],
    ['a sender that died', [...lines, '# ended: failed'], 'died or gave up'],
    [
      'binary',
      Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)),
      'expected "# format',
    ],
    ['zeros', Buffer.alloc(3_000_000), 'not made of lines'],
    [
      'a line of 10 MB',
      `${lines.slice(0, first).join('\n')}\n${'x'.repeat(10_000_000)}\n`,
      'not made of lines',
    ],
    ['a long line', [...lines, 'x'.repeat(5000)], 'longer than 4096'],
    ['an empty gzip', gzipSync(''), 'no header row'],
    [
      'gzip that is damaged',
      gzipSync(lines.join('\n')).fill(0x55, 200, 300),
      'gzip data is damaged',
    ],
    [
      'garbage after gzip',
      Buffer.concat([gzipSync(lines.join('\n')), Buffer.from('more')]),
      'gzip data is damaged',
    ],
    [
      'more words than can be',
      [
        ...lines.slice(0, first),
        ...Array.from({ length: 11_000 }, (_, i) => `baseline,n${i},0,k,${i},1,ok`),
      ],
      'more than 10000 different',
    ],
  ])('%s', async (_what, content, words) => {
    for (const options of [required, optional]) {
      const report = await judged(content, options);
      expectNoPass(report);
      expect(report.cause).toBe('invalid');
      expect(JSON.stringify(report).replaceAll('\\"', '"')).toContain(words);
      expect(report.error ?? '').not.toContain('\u{1b}');
    }
  });

  test('gzip that is cut off, wherever the cut is, in the first member or a later one', async () => {
    const middle = Math.floor(lines.length / 2);
    const [one, two] = [lines.slice(0, middle), lines.slice(middle)].map((part) =>
      gzipSync(`${part.join('\n')}\n`),
    ) as [Buffer, Buffer];
    const whole = Buffer.concat([one, two]);
    expect((await judged(whole)).cause).toBe('met');
    for (const end of [
      1,
      2,
      9,
      500,
      one.length - 1,
      one.length + 1,
      one.length + 9,
      whole.length - 5,
    ]) {
      const report = await judged(whole.subarray(0, end), optional);
      expectNoPass(report);
      if (end > 1) expect(report.error).toContain('cut off');
    }
    // A whole member less is whole gzip: the counters are missing then.
    expect((await judged(one)).cause).toBe('invalid');
  });

  test('a million ties', async () => {
    const samples = Array.from({ length: 1_000_000 }, (_, index) => {
      const window = Math.floor(index / 100_000);
      return `${index % 2 === 0 ? 'baseline' : 'candidate'},n,${window},k,${index * 20},5000,ok`;
    });
    const report = await judged(gzipSync([lines[0]!, HEADER, ...samples].join('\n')), optional);
    expectNoPass(report);
    expect(report.cause).toBe('invalid');
  });

  test('a file that is not there, a folder', async () => {
    expect((await judgeFile(join(folder, 'none'), required)).error).toContain('no such file');
    expect((await judgeFile(folder, required)).error).toContain('a folder');
  });
});

describe('good files that were tampered with', () => {
  const rows = good.samples.map((sample, index) => ({ sample, index }));
  const candidates = rows.filter(({ sample }) => sample.arm === 'candidate');

  test('no pass once rows of the candidate are gone', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: candidates.length - 1 }), { minLength: 1, maxLength: 60 }),
        (gone) => {
          const dropped = new Set(gone.map((position) => candidates[position]!.index));
          const samples = good.samples.filter((_, index) => !dropped.has(index));
          const report = judgeMeasurement('f', { ...good, samples }, required);
          expectNoPass(report);
          expect(report.cause).toBe('invalid');
        },
      ),
      { numRuns: 15 },
    );
  });

  test('no pass once more of the candidate fails than the limit allows', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: 0.06, max: 1, noNaN: true }),
        fc.constantFrom('500', 'timeout', 'reset'),
        (seed, share, status) => {
          const random = createRandom(seed, 'failing');
          const samples = good.samples.map((sample) =>
            sample.arm === 'candidate' && random.next() < share ? { ...sample, status } : sample,
          );
          for (const options of [required, optional]) {
            expectNoPass(judgeMeasurement('f', { ...good, samples }, options));
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  test('any damage to lines ends in a report, and in a pass only where the same samples are left', async () => {
    const small = makeMeasurement({ windows: 6, pairs: 30, plantedWindows: 4 });
    const whole = linesOf(small);
    const samplesOf = new Set(small.samples.map(formatSample));
    const damage = fc.oneof(
      fc.record({
        kind: fc.constant('cut' as const),
        line: fc.nat(),
        at: fc.nat({ max: 60 }),
        text: fc.constant(''),
      }),
      fc.record({
        kind: fc.constant('put' as const),
        line: fc.nat(),
        at: fc.nat({ max: 60 }),
        text: fc.string({ maxLength: 8, unit: 'binary' }),
      }),
      fc.record({
        kind: fc.constant('drop' as const),
        line: fc.nat(),
        at: fc.nat(),
        text: fc.constant(''),
      }),
      fc.record({
        kind: fc.constant('line' as const),
        line: fc.nat(),
        at: fc.nat(),
        text: fc.string({ maxLength: 80 }),
      }),
    );
    const generous: JudgingOptions = {
      ...optional,
      thresholds: [parseThreshold('p50 <= baseline + 100%')],
    };
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
        const hurt = [...whole];
        for (const { kind, line, at, text } of damages) {
          const index = line % hurt.length;
          const old = hurt[index]!;
          if (kind === 'drop') hurt.splice(index, 1);
          else if (kind === 'line') hurt.splice(index, 0, text);
          else
            hurt[index] =
              kind === 'cut' ? old.slice(0, at) : old.slice(0, at) + text + old.slice(at);
        }
        const report = await judged(hurt, generous);
        const said = JSON.stringify(report);
        expect(said).not.toMatch(STACK_TRACE);
        if (report.error !== undefined || report.decision === 'rollback') return;
        // What passes still holds nearly every sample as it was.
        const kept = hurt.filter((line) => samplesOf.has(line)).length;
        expect(kept).toBeGreaterThanOrEqual(samplesOf.size - damages.length);
      }),
      { numRuns: 150 },
    );
  });

  test('random bytes, plain or after a gzip header', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, zipped) => {
        const content = Buffer.concat([Buffer.from(zipped ? [0x1f, 0x8b] : []), bytes]);
        const report = await judged(content);
        expectNoPass(report);
        expect(report.error).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });
});
