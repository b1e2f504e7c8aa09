/** `speed-gate tune` as it is called: a process, its lines, its exit codes and its memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../gate-service/src/statistics/random.ts';
import { TuneClient, tuneWith, type Configuration, type Said } from './tune-client.ts';

const knobs = {
  knobs: [
    {
      name: 'workers',
      kind: 'integer',
      low: 32,
      high: 4096,
      scale: 'log',
      start: 400,
      unit: 'workers',
    },
    { name: 'threads', kind: 'integer', low: 1, high: 64, start: 25 },
    { name: 'keepalive', kind: 'boolean', start: true },
    {
      name: 'idle',
      kind: 'real',
      low: 0.1,
      high: 60,
      scale: 'log',
      start: 5,
      inactiveWhen: { knob: 'keepalive', value: false },
    },
    { name: 'balancer', kind: 'categorical', choices: ['least', 'round'], start: 'least' },
  ],
  constraints: ['workers >= 2 * threads', 'keepalive || workers % 2 == 0'],
  limits: [{ metric: 'errors', max: 0.02 }],
  context: { rate: 1000, mix: 0.7 },
};

/** Best around 1300 workers; too many of them break the service. */
function latency({ workers, keepalive, balancer }: Configuration): number {
  return (
    10 +
    8 * Math.log(Number(workers) / 1300) ** 2 +
    (keepalive === true ? 0 : 5) +
    (balancer === 'least' ? 0 : 3)
  );
}
const breaks = ({ workers }: Configuration): boolean => Number(workers) > 2400;

/** 3 % noise of the evaluation's own, so that a repetition reads the same. */
function measure(configuration: Configuration, ask: number): object {
  const random = createRandom(ask, 'noise');
  const noise = random.next() + random.next() + random.next() - 1.5;
  return {
    value: latency(configuration) * (1 + 0.06 * noise),
    metrics: { errors: breaks(configuration) ? 0.4 : 0.001 },
    unsafe: breaks(configuration),
  };
}

let folder: string;
let file: string;
let memory: string;
const clients: TuneClient[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tune-'));
  file = join(folder, 'knobs.json');
  memory = join(folder, 'memory');
  await writeFile(file, JSON.stringify(knobs));
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    client.child.kill('SIGKILL');
    await client.exit();
  }
  await rm(folder, { recursive: true });
});

function tune(...args: readonly string[]): TuneClient {
  const client = new TuneClient('--knobs', file, ...args);
  clients.push(client);
  return client;
}
const asksOf = (said: readonly Said[]): Said[] => said.filter(({ ask }) => ask !== undefined);

describe('the dialogue', () => {
  it('starts at the start values, keeps to the constraints, and finds better ones', async () => {
    const client = tune('--budget', '40', '--seed', '3');
    const said = await tuneWith(client, measure);
    expect(await client.exit()).toBe(0);
    const start = Object.fromEntries(knobs.knobs.map(({ name, start: value }) => [name, value]));
    expect(said[0]).toEqual({ ask: 1, configuration: start });
    const asks = asksOf(said);
    expect(asks.map(({ ask }) => ask)).toEqual(asks.map((_, index) => index + 1));
    expect(asks.length).toBeLessThanOrEqual(40);
    for (const { configuration } of asks) {
      const { workers, threads, keepalive } = configuration!;
      expect(Number(workers)).toBeGreaterThanOrEqual(2 * Number(threads));
      if (keepalive === false) expect(Number(workers) % 2).toBe(0);
    }
    const last = said.at(-1)!;
    expect(Object.keys(last)).toEqual(['best', 'adopted', 'explanation']);
    expect(last.adopted).toBe(true);
    expect(latency(last.best!)).toBeLessThan(latency(start));
    expect(breaks(last.best!)).toBe(false);
    expect(last.explanation).toMatchObject({ evaluations: asks.length });
    expect(last.explanation!.trajectory).toHaveLength(asks.length);
    expect(client.errors).toContain('ask 1 (start): ');
  });

  it('answers lines that it cannot use with an error, and goes on', async () => {
    const client = tune();
    expect(await client.hear()).toMatchObject({ ask: 1 });
    const wrong: [string | object, string, string][] = [
      ['nonsense', 'not-json', 'one object on one line'],
      ['{"tell":1,"value":NaN}', 'not-json', 'NaN is no number in JSON'],
      [{ tell: 7, value: 1 }, 'unknown-id', '1 is being measured'],
      [{ tell: 1, value: 'fast' }, 'illegal-message', 'must be a number'],
      [{ tell: 1 }, 'illegal-observation', 'neither a value nor'],
      [{ tell: 1, value: 1, configuration: { workers: 9 } }, 'other-configuration', '32..4096'],
      ['x'.repeat(10_000_000), 'line-too-long', 'at most 65536 bytes'],
    ];
    for (const [index, [line, code, words]] of wrong.entries()) {
      const { error } = (await client.answer(line))!;
      expect(error).toMatchObject({ code, line: index + 1, open: 1 });
      expect(error!.message).toContain(words);
    }
    expect(await client.answer({ tell: 1, value: 1 })).toMatchObject({ ask: 2 });
    expect((await client.answer({ tell: 1, value: 1 }))!.error).toMatchObject({
      code: 'unknown-id',
      open: 2,
    });
    expect(await client.answer({ end: true })).toMatchObject({ adopted: false });
    expect(await client.exit()).toBe(0);
    // The first answer that could be used had no metric.
    expect(client.errors).toContain('no metric was told for the limit of errors (at most 0.02)');
    expect(client.errors).not.toMatch(/\bat .*\.ts:\d/);
  });

  it('takes a configuration that is repeated with its result', async () => {
    const client = tune();
    const { configuration } = (await client.hear())!;
    expect(await client.answer({ tell: 1, value: 1, configuration })).toMatchObject({ ask: 2 });
    expect(await client.answer({ tell: 2, aborted: 'errors' })).toMatchObject({ ask: 3 });
  });

  it('asks the same with the same seed and answers', async () => {
    const runs = await Promise.all(
      ['5', '5', '6'].map(async (seed) =>
        asksOf(await tuneWith(tune('--budget', '12', '--seed', seed), measure)),
      ),
    );
    expect(runs[0]!.length).toBeGreaterThan(3);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
  });
});

describe('a session that is broken off', () => {
  const endings: [string, (client: TuneClient) => void, number | string][] = [
    ['its input is closed', ({ child }) => child.stdin.end(), 3],
    ['SIGTERM', ({ child }) => child.kill('SIGTERM'), 143],
    ['SIGINT', ({ child }) => child.kill('SIGINT'), 130],
    ['kill -9', ({ child }) => child.kill('SIGKILL'), 'SIGKILL'],
    [
      'nobody reads it',
      (client) => {
        client.child.stdout.destroy();
        client.say('nonsense');
      },
      3,
    ],
  ];
  it.each(endings)('by %s goes on where it was, with the same call', async (_, end, code) => {
    const args = ['--memory', memory, '--budget', '9'];
    const first = tune(...args);
    let line = await first.hear();
    for (let i = 0; i < 3; i += 1) {
      line = await first.answer({ tell: line!.ask, ...measure(line!.configuration!, line!.ask!) });
    }
    expect(line).toMatchObject({ ask: 4 });
    end(first);
    expect(await first.exit()).toBe(code);

    const second = tune(...args);
    expect(await second.hear()).toEqual(line);
    expect(second.errors).toContain('goes on with the session that was broken off after 3 of 9');
    const { explanation } = (await second.answer({ end: true }))!;
    expect(explanation!.trajectory).toHaveLength(3);
    expect(await second.exit()).toBe(0);

    const third = tune(...args);
    expect(await third.hear()).toMatchObject({ ask: 1 });
    expect(third.errors).toContain('experience of 1 sessions');
  });

  it('asks and ends as if nothing had been, wherever it is killed', async () => {
    const args = ['--budget', '10', '--seed', '2'];
    const whole = await tuneWith(tune(...args), measure);
    const asked = new Map(asksOf(whole).map(({ ask, configuration }) => [ask, configuration]));
    const random = createRandom(9, 'kills');
    let kills = 0;
    let last: Said | undefined;
    let told = 0;
    while (last === undefined) {
      const client = tune(...args, '--memory', memory);
      // Lives for some answers; the last of them it hears dying: it learns, writes or asks then.
      let lives = 1 + Math.floor(random.next() * 3);
      let line = await client.hear();
      for (; line?.configuration !== undefined; line = await client.hear()) {
        expect(line.configuration).toEqual(asked.get(line.ask));
        // What was answered by a further ask was kept: it is never asked again.
        expect(line.ask).toBeGreaterThan(told);
        told = line.ask! - 1;
        if (lives === 0) continue;
        lives = line.ask === asked.size ? Infinity : lives - 1;
        client.say({ tell: line.ask, ...measure(line.configuration, line.ask!) });
        if (lives > 0) continue;
        void sleep(random.next() * 30).then(() => client.child.kill('SIGKILL'));
      }
      last = line;
      const ended = await client.exit();
      expect([0, 'SIGKILL'], client.errors).toContain(ended);
      if (ended === 'SIGKILL') kills += 1;
    }
    expect(kills).toBeGreaterThan(2);
    expect(last.best).toEqual(whole.at(-1)!.best);
    expect(last.explanation!.trajectory).toEqual(whole.at(-1)!.explanation!.trajectory);
  });
});

describe('the memory', () => {
  it('is one process’s at a time, and free when that is killed', async () => {
    const first = tune('--memory', memory);
    await first.hear();
    const second = tune('--memory', memory);
    expect(await second.exit()).toBe(1);
    expect(second.errors).toContain(`another tuner uses the memory directory ${memory}`);
    first.child.kill('SIGKILL');
    await first.exit();
    expect(await tune('--memory', memory).hear()).toMatchObject({ ask: 1 });
  });

  it('is whole after a kill at any moment of its writing', async () => {
    const writer = join(import.meta.dirname, 'tune-memory-writer.ts');
    const random = createRandom(1, 'moments');
    for (let i = 0; i < 8; i += 1) {
      const child = spawn(process.execPath, [writer, file, memory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      const [said] = (await Promise.race([once(child.stdout, 'data'), closed])) as unknown[];
      expect(String(said)).toBe(i === 0 ? 'found nothing\n' : 'found a session\n');
      await sleep(random.next() * 50);
      child.kill('SIGKILL');
      expect(await closed).toEqual([null, 'SIGKILL']);
    }
    const client = tune('--memory', memory, '--budget', '1000');
    expect(await client.hear()).toMatchObject({ ask: 1 });
    expect(client.errors).toContain('goes on with the session');
  });

  it('keeps every later process from what broke a limit', async () => {
    // A single knob, just below the cliff: what is as far as a violator is beyond it.
    const [workers] = knobs.knobs;
    const near = { ...knobs, knobs: [{ ...workers, start: 2000 }], constraints: [] };
    await writeFile(file, JSON.stringify(near));
    let least = Infinity;
    for (const seed of ['1', '2', '3', '4']) {
      const client = tune('--memory', memory, '--budget', '10', '--seed', seed);
      const asked = asksOf(await tuneWith(client, measure)).map(({ configuration }) =>
        Number(configuration!.workers),
      );
      expect(await client.exit()).toBe(0);
      expect(asked.filter((one) => one >= least)).toEqual([]);
      least = Math.min(least, ...asked.filter((one) => breaks({ workers: one })));
    }
    expect(least).toBeLessThan(Infinity);
  });

  it('ends the call when it cannot be used', async () => {
    const first = tune('--memory', memory);
    await first.hear();
    await first.answer({ tell: 1, value: 1 });
    first.child.stdin.end();
    await first.exit();
    const stored = join(memory, 'memory.json');
    const whole = await readFile(stored, 'utf8');
    const refused = async (): Promise<string> => {
      const client = tune('--memory', memory);
      expect(await client.hear()).toBeUndefined();
      expect(await client.exit()).toBe(1);
      expect(client.errors).not.toMatch(/\bat .*\.ts:\d/);
      return client.errors;
    };
    await writeFile(stored, whole.slice(0, whole.length / 2));
    expect(await refused()).toContain(`the memory ${stored} is cut off or damaged`);
    await writeFile(stored, whole.replace('"version":1', '"version":9'));
    expect(await refused()).toContain('use the speed-gate that wrote it');
    await writeFile(stored, whole);
    await writeFile(
      file,
      JSON.stringify({ ...knobs, knobs: knobs.knobs.slice(0, 4) }).replace('8', '9'),
    );
    expect(await refused()).toContain(`the memory ${stored} was made with other knobs`);
  });
});

describe('a wrong call', () => {
  it.each<[string[], number, string]>([
    [[], 2, '--knobs FILE is missing'],
    [['--knobs', 'k', '--budget', '0'], 2, '--budget 0: expected 1 to 1000'],
    [['--knobs', 'k', '--budget', 'x'], 2, '--budget x: expected a whole number'],
    [['--knobs', 'k', '--seed', '1.5'], 2, '--seed 1.5: expected a whole number'],
    [['--knobs', 'k', '--colour'], 2, '--colour'],
    [['--knobs', 'gone.json'], 1, 'the knobs file gone.json cannot be read'],
  ])('%j ends with %i', async (args, code, words) => {
    const client = new TuneClient(...args);
    clients.push(client);
    expect(await client.exit()).toBe(code);
    expect(client.errors).toContain(words);
    expect(client.errors.includes('usage:')).toBe(code === 2);
    expect(client.errors).not.toMatch(/\bat .*\.ts:\d/);
  });

  it('says every mistake of the knobs file', async () => {
    const text = JSON.stringify(knobs, undefined, 1);
    await writeFile(file, text.replace('400', '4').replace('2 * threads', '2 * thread'));
    const client = tune();
    expect(await client.exit()).toBe(1);
    expect(client.errors).toMatch(
      /knobs\.json:\d+:\d+ knobs\[0\]\.start: must be within 32\.\.4096/,
    );
    expect(client.errors).toMatch(/knobs\.json:\d+:\d+ constraints\[0\]: cannot read/);
  });

  it('prints the schema', async () => {
    const client = new TuneClient('--schema');
    clients.push(client);
    let text = '';
    client.child.stdout.on('data', (part: Buffer) => (text += part.toString()));
    expect(await client.exit()).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ title: 'Speed Gate knobs file' });
  });
});
