import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, drawInteger } from '../statistics/random.ts';
import { appendMetadata, readSampleFile, writeSampleFile } from './sample-file.ts';
import { armNames, type Measurement, type Sample } from './sample.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'samples-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const header = 'arm,launch,window,kind,intended_us,latency_us,status';
const start = `# format: speed-gate-samples/1\n`;

async function read(content: string | Buffer, name = 'x.csv'): Promise<Measurement> {
  const file = join(folder, name);
  await writeFile(file, content);
  return readSampleFile(file);
}

/** Any measurement that the types allow; every optional part is there or not. */
function arbitrary(seed: number): Measurement {
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[drawInteger(random, items.length)] as T;
  const maybe = <T extends object>(value: T): T | object => (random.next() < 0.5 ? value : {});
  const samples = Array.from({ length: drawInteger(random, 300) }, (): Sample => ({
    arm: pick(armNames),
    launch: pick(['-', 'checkout-1.0-a', 'node_7:8080']),
    window: drawInteger(random, 20) - 5,
    kind: pick(['search', 'order-2']),
    intendedUs: drawInteger(random, 600_000_000),
    latencyUs: drawInteger(random, 3_000_000),
    status: pick(['ok', '500', '404', 'timeout', 'reset', 'refused', 'body-check']),
  }));
  const fitness = Array.from({ length: drawInteger(random, 5) }, (_, window) => ({
    window: window - 2,
    latenessP99Us: drawInteger(random, 100_000),
    runQueueShare: drawInteger(random, 1000) / 1000,
    ...maybe({ foreignCores: drawInteger(random, 4000) / 1000 }),
    sent: drawInteger(random, 1000),
    received: drawInteger(random, 1000),
    ...maybe({ waited: drawInteger(random, 10) }),
  }));
  return {
    windowsPlanned: 1 + drawInteger(random, 30),
    samples,
    fitness,
    ...maybe({ counters: { sent: 10, received: 9, inFlight: 1, cpuSeconds: 0.25 } }),
    ...maybe({ replacements: drawInteger(random, 10) }),
    ...maybe({ plantedDelayUs: drawInteger(random, 20_000) }),
    ...maybe({ steady: random.next() < 0.5 }),
    ...maybe({ ended: pick(['planned', 'stopped', 'failed'] as const) }),
    ...maybe({ cpuSeconds: { baseline: 1.5, candidate: 0.125 } }),
  };
}

describe('a sample file', () => {
  it.each(['csv', 'csv.gz'])('comes back as it was written (.%s)', async (ending) => {
    for (let seed = 0; seed < 40; seed += 1) {
      const file = join(folder, `round-trip.${ending}`);
      const measurement = arbitrary(seed);
      await writeSampleFile(file, measurement);
      expect(await readSampleFile(file)).toEqual(measurement);
    }
  });

  it('is really gzip when its name says so, and is read by content, not by name', async () => {
    const file = join(folder, 'named.csv.gz');
    await writeSampleFile(file, arbitrary(1));
    const bytes = await readFile(file);
    expect([bytes[0], bytes[1]]).toEqual([0x1f, 0x8b]);
    expect(await read(bytes, 'unnamed')).toEqual(arbitrary(1));
  });

  it.each(['csv', 'csv.gz'])('takes facts that come later (.%s)', async (ending) => {
    const file = join(folder, `later.${ending}`);
    const measurement: Measurement = {
      windowsPlanned: 4,
      samples: arbitrary(2).samples,
      fitness: [],
    };
    await writeSampleFile(file, measurement);
    await appendMetadata(file, { cpuSeconds: { baseline: 2, candidate: 3 } });
    expect(await readSampleFile(file)).toEqual({
      ...measurement,
      cpuSeconds: { baseline: 2, candidate: 3 },
    });
  });

  it('may lack counters, fitness, warm-up and the planned windows', async () => {
    const rows = [3, 4, 4, 9].map((window) => `baseline,n,${window},k,1,2,ok`).join('\n');
    const planted = 'planted,n,12,k,1,2,ok\nbaseline,n,12,k,1,2,ok\nbaseline,n,-1,k,1,2,ok';
    const measurement = await read(`${start}${header}\n${rows}\n${planted}\n`);
    expect(measurement.windowsPlanned).toBe(3);
    expect(measurement.samples).toHaveLength(7);
    expect(measurement.counters).toBeUndefined();
    expect(measurement.steady).toBeUndefined();
  });

  it('may hold # lines anywhere, unknown keys, further columns in any order, and CRLF', async () => {
    const text = [
      '# format: speed-gate-samples/1',
      '# colour: blue',
      'status,mood,arm,launch,window,kind,intended_us,latency_us',
      'ok,good,baseline,n1,0,search,10,20.5',
      '# windows-planned: 7',
      '#',
      '# a remark',
      '503,,candidate,,0,search,11,21',
      '# sent: 2',
      '# received: 2',
      '',
    ].join('\r\n');
    expect(await read(text)).toEqual({
      windowsPlanned: 7,
      fitness: [],
      counters: { sent: 2, received: 2, inFlight: 0, cpuSeconds: 0 },
      samples: [
        {
          arm: 'baseline',
          launch: 'n1',
          window: 0,
          kind: 'search',
          intendedUs: 10,
          latencyUs: 20.5,
          status: 'ok',
        },
        {
          arm: 'candidate',
          launch: '-',
          window: 0,
          kind: 'search',
          intendedUs: 11,
          latencyUs: 21,
          status: '503',
        },
      ],
    });
  });

  it('passes impossible times on to the judge', async () => {
    const { samples } = await read(`${start}${header}\nbaseline,n,0,k,5,-3,ok`);
    expect(samples[0]?.latencyUs).toBe(-3);
  });
});

describe('a malformed sample file names the line', () => {
  const row = 'baseline,n,0,k,1,2,ok';
  it.each([
    ['nothing', '', 'no header row'],
    ['another format', `# format: speed-gate-samples/9\n${header}`, 'line 1: format'],
    ['no format', `${header}\n${row}`, 'line 1: expected "# format'],
    [
      'a missing column',
      `${start}arm,launch,window,kind,intended_us,status`,
      'line 2: the header row has no column "latency_us"',
    ],
    [
      'a row too short',
      `${start}${header}\n${row}\nbaseline,n,0`,
      'line 4: 3 fields where the header row has 7',
    ],
    ['an unknown arm', `${start}${header}\ncanary,n,0,k,1,2,ok`, 'line 3: "canary" is not an arm'],
    [
      'NaN',
      `${start}${header}\nbaseline,n,0,k,1,NaN,ok`,
      'line 3: latency_us is a number, got "NaN"',
    ],
    [
      'an empty number',
      `${start}${header}\nbaseline,n,0,k,,2,ok`,
      'line 3: intended_us is a number, got ""',
    ],
    ['infinity by size', `${start}${header}\nbaseline,n,0,k,1,1e999,ok`, 'line 3: latency_us'],
    [
      'half a window',
      `${start}${header}\nbaseline,n,0.5,k,1,2,ok`,
      'line 3: window is a whole number',
    ],
    ['an odd status', `${start}${header}\nbaseline,n,0,k,1,2,OK!`, 'line 3: "OK!" is not a status'],
    ['a negative count', `${start}${header}\n# sent: -1`, 'line 3: sent is a count'],
    ['no planned windows', `${start}# windows-planned: 0\n${header}`, 'line 2: windows-planned'],
    [
      'fitness without a part',
      `${start}${header}\n# fitness: window=0 sent=1`,
      'line 3: fitness without lateness-p99-us',
    ],
    [
      'a number in hexadecimal',
      `${start}${header}\nbaseline,n,0,k,0x10,2,ok`,
      'line 3: intended_us',
    ],
  ])('%s', async (_what, text, problem) => {
    await expect(read(text)).rejects.toThrow(problem);
  });

  it('says that gzip data is cut off, wherever the cut is', async () => {
    const file = join(folder, 'whole.csv.gz');
    await writeSampleFile(file, arbitrary(3));
    const whole = await readFile(file);
    for (const length of [3, 11, Math.floor(whole.length / 2), whole.length - 1]) {
      await expect(read(whole.subarray(0, length), 'cut.csv.gz')).rejects.toThrow('cut off');
    }
  });

  it('says that gzip data is damaged', async () => {
    const whole = gzipSync(`${start}${header}\n`);
    whole.fill(0x55, 12, 30);
    await expect(read(whole, 'bad.csv.gz')).rejects.toThrow(/damaged/);
  });

  it('says that there is no file, with its name', async () => {
    await expect(readSampleFile(join(folder, 'none.csv'))).rejects.toThrow(
      /none\.csv: there is no/,
    );
  });
});
