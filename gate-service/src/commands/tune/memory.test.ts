import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTuner } from '../../optimizer/tuner.ts';
import { parseKnobsFile } from './knobs-file.ts';
import { openMemory } from './memory.ts';
import { openSession, type Session } from './session.ts';

const knobs = (high: number, rate = 1): ReturnType<typeof parseKnobsFile> =>
  parseKnobsFile(
    JSON.stringify({
      knobs: [
        { name: 'a', kind: 'integer', low: 1, high, start: 3 },
        { name: 'b', kind: 'boolean', start: true },
      ],
      context: { rate },
    }),
  );
const task = knobs(9);
const { space } = task.problem;
const options = { budget: 8, seed: 4, fresh: false };

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tune-memory-'));
  file = join(folder, 'memory.json');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A few evaluations of a session that is kept. */
function evaluate(session: Session, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const { id, values } = session.tuner.ask()!;
    session.tuner.tell(id, { value: 1 + Math.abs(Number(values.a) - 5) });
    session.tuner.ask();
    session.keep();
  }
}

describe('a memory directory', () => {
  it('is made, and holds what was saved for the next call', () => {
    const directory = join(folder, 'deep', 'memory');
    const memory = openMemory(directory, space);
    expect(memory.content).toBeUndefined();
    evaluate(openSession(task, options, memory), 2);
    memory.close();
    const again = openMemory(directory, space);
    expect(again.content?.session?.snapshot.steps).toHaveLength(2);
    expect(again.content?.experience.sessions).toHaveLength(1);
    again.close();
  });

  it('is one tuner’s at a time', () => {
    const memory = openMemory(folder, space);
    expect(() => openMemory(folder, space)).toThrow(
      `another tuner uses the memory directory ${folder}; wait until it has ended`,
    );
    memory.close();
    openMemory(folder, space).close();
  });

  it('is refused for other knobs, saying which, and is free again', () => {
    const memory = openMemory(folder, space);
    evaluate(openSession(task, options, memory), 1);
    memory.close();
    const other = knobs(99).problem.space;
    for (let i = 0; i < 2; i += 1) {
      expect(() => openMemory(folder, other)).toThrow(
        `the memory ${file} was made with other knobs; only there: a: integer 1..9 linear; only in the knobs file: a: integer 1..99 linear. Name another directory`,
      );
    }
  });

  it('says what is wrong with a file that is cut off at any place', async () => {
    const memory = openMemory(folder, space);
    evaluate(openSession(task, options, memory), 1);
    memory.close();
    const whole = await readFile(file, 'utf8');
    const lengths = [0, 1, 20, Math.floor(whole.length / 2), whole.trimEnd().length - 1];
    for (const length of lengths) {
      await writeFile(file, whole.slice(0, length));
      expect(() => openMemory(folder, space), String(length)).toThrow(
        new RegExp(`^the memory ${file} is cut off or damaged .* restore it from a copy`),
      );
    }
    await writeFile(file, '\0'.repeat(100));
    expect(() => openMemory(folder, space)).toThrow('cut off or damaged');
  });

  it.each<[string, object | string, string]>([
    ['another program', { a: 1 }, 'is no memory of speed-gate tune'],
    ['no object', '[]', 'is no memory of speed-gate tune'],
    [
      'a newer version',
      { format: 'speed-gate-tuner-memory', version: 2, all: 'new' },
      'has format version 2, this speed-gate reads 1; use the speed-gate that wrote it',
    ],
    [
      'parts that are missing',
      { format: 'speed-gate-tuner-memory', version: 1, knobs: [] },
      'is damaged (experience: ',
    ],
  ])('is refused when it is of %s', async (_, content, words) => {
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    expect(() => openMemory(folder, space)).toThrow(words);
    expect(() => openMemory(folder, space)).toThrow(file);
  });

  it('names a directory that cannot be used', async () => {
    await writeFile(file, '');
    expect(() => openMemory(file, space)).toThrow(`the memory directory ${file} cannot be used`);
    expect(() => openMemory(join(file, 'x'), space)).toThrow('cannot be used: ENOTDIR');
  });

  it('keeps what was there when it cannot be written', async () => {
    const memory = openMemory(folder, space);
    const session = openSession(task, options, memory);
    evaluate(session, 1);
    const before = await readFile(file, 'utf8');
    await mkdir(`${file}.new`);
    await chmod(`${file}.new`, 0o500);
    expect(() => {
      evaluate(session, 1);
    }).toThrow(/cannot be written: EISDIR.*; it holds what it held before/);
    expect(await readFile(file, 'utf8')).toBe(before);
    memory.close();
  });
});

describe('the session of a call', () => {
  /** Each call opens the directory anew, as a process does. */
  function call(
    use: (session: Session) => void,
    change: Partial<typeof options> = {},
    about = task,
  ): string {
    const memory = openMemory(folder, about.problem.space);
    try {
      const session = openSession(about, { ...options, ...change }, memory);
      use(session);
      return session.sentence;
    } finally {
      memory.close();
    }
  }
  const evaluations = (count: number) => (session: Session) => {
    evaluate(session, count);
  };

  it.each([
    [6, 'at least 7', false],
    [7, '7 evaluations, no', true],
  ])('of %i evaluations says whether it may adopt anything', (budget, words, adopts) => {
    const { sentence, tuner } = openSession(task, { ...options, budget }, undefined);
    expect(sentence).toContain(words);
    for (let ask = tuner.ask(); ask !== undefined; ask = tuner.ask()) {
      tuner.tell(ask.id, { value: ask.values.a === 3 ? 9 + (ask.id % 3) / 10 : ask.id % 3 });
    }
    expect(tuner.result().adopted).toBe(adopts);
  });

  it('goes on with the same asks where it was broken off', () => {
    const whole = createTuner(task.problem, options);
    const asks: unknown[] = [];
    for (let ask = whole.ask(); ask !== undefined; ask = whole.ask()) {
      asks.push(ask);
      whole.tell(ask.id, { value: 1 + Math.abs(Number(ask.values.a) - 5) });
    }
    const parts: unknown[] = [];
    call(evaluations(3));
    const sentence = call(({ tuner, keep }) => {
      for (let ask = tuner.ask(); ask !== undefined; ask = tuner.ask()) {
        parts.push(ask);
        tuner.tell(ask.id, { value: 1 + Math.abs(Number(ask.values.a) - 5) });
        keep();
      }
    });
    expect(sentence).toBe('goes on with the session that was broken off after 3 of 8 evaluations');
    expect(parts.length).toBeGreaterThan(0);
    expect(parts).toEqual(asks.slice(3));
  });

  it.each<[string, Partial<typeof options>, typeof task]>([
    ['another seed', { seed: 5 }, task],
    ['another budget', { budget: 9 }, task],
    ['--fresh', { fresh: true }, task],
    ['another context', {}, knobs(9, 2)],
  ])('is a new one with %s, and what was measured is experience', (_, change, about) => {
    call(evaluations(2));
    const sentence = call(
      ({ tuner }) => {
        expect(tuner.ask()).toMatchObject({ id: 1, source: 'start' });
      },
      change,
      about,
    );
    expect(sentence).toContain('broken off after 2 of 8 evaluations (seed 4) is over');
    expect(sentence).toContain('experience of 1 sessions');
  });

  it('teaches nothing without an evaluation', () => {
    call(evaluations(1), { seed: 1 });
    for (const seed of [2, 3]) {
      call(
        ({ tuner, keep }) => {
          tuner.ask();
          keep();
        },
        { seed },
      );
    }
    expect(call(evaluations(1), { seed: 4 })).toContain('experience of 1 sessions');
  });

  it('is a new one after one that has ended', () => {
    call((session) => {
      evaluate(session, 2);
      session.finish();
    });
    const sentence = call(({ tuner }) => {
      expect(tuner.ask()).toMatchObject({ id: 1, source: 'start' });
    });
    expect(sentence).toBe('8 evaluations, experience of 1 sessions');
    const memory = openMemory(folder, space);
    expect(memory.content?.session).toBeUndefined();
    memory.close();
  });
});
