/** Whatever is tuned and whatever is told: no crash, no broken constraint, an end within the budget. */
import { expect, it, vi } from 'vitest';
import { createTuner, type Experience } from '../../optimizer/tuner.ts';
import { createRandom, drawInteger, type Random } from '../../statistics/random.ts';
import { holdDialogue } from './dialogue.ts';
import { parseKnobsFile } from './knobs-file.ts';
import type { KnobsFile } from './knobs-schema.ts';
import type { Line } from './lines.ts';

vi.setConfig({ testTimeout: 60_000 });

const SESSIONS = 16;
const ABSURD = [0, -1, 1e12, -1e12, 1e100, -1e100, 1e-300];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[drawInteger(random, from.length)]!;
}

function knobsFile(random: Random): object {
  const knobs = Array.from({ length: 1 + drawInteger(random, 5) }, (_, index) => {
    const name = `k${index}`;
    // A knob without effect at a value of the first one.
    const inactive = index > 0 && random.next() < 0.2;
    const scale = pick(random, ['linear', 'log']);
    const low = scale === 'log' ? 0.5 + random.next() : -5 + 10 * random.next();
    switch (index === 0 ? 2 : drawInteger(random, 4)) {
      case 0: {
        const start = 2 + drawInteger(random, 100);
        return {
          name,
          kind: 'integer',
          low: 1,
          high: start + drawInteger(random, 900),
          start,
          scale,
        };
      }
      case 1:
        return { name, kind: 'real', low, high: low + 10, start: low + 10 * random.next(), scale };
      case 2:
        return { name, kind: 'boolean', start: random.next() < 0.5 };
      default:
        return {
          name,
          kind: 'categorical',
          choices: ['x', 'y', 'z'],
          start: 'y',
          ...(inactive ? { inactiveWhen: { knob: 'k0', value: true } } : {}),
        };
    }
  });
  const numeric = knobs.filter(({ kind }) => kind === 'integer' || kind === 'real');
  // Each holds at the start, and forbids about half of what lies around it.
  const constraints = numeric
    .filter(() => random.next() < 0.6)
    .map(({ name, start }) => {
      const sign = random.next() < 0.5 ? '<=' : '>=';
      return `${name} ${sign} ${String(start)} || k0`;
    });
  const limits = ['errors', 'cpu'].filter(() => random.next() < 0.5);
  return {
    knobs,
    constraints,
    limits: limits.map((metric) => ({ metric, max: pick(random, [0, 0.02, 1]) })),
    context: random.next() < 0.5 ? { rate: pick(random, [100, 101, 5000]) } : {},
  };
}

/** Anything that a caller may send: mostly a sound answer, now and then one that is not. */
function answer(random: Random, ask: number, { limits }: Pick<KnobsFile, 'limits'>): string {
  const metrics = Object.fromEntries(
    limits
      .filter(() => random.next() < 0.95)
      .map(({ metric, max }) => [metric, max + (random.next() < 0.9 ? -0.01 : 0.5)]),
  );
  const value = random.next() < 0.9 ? 50 + 100 * random.next() : pick(random, ABSURD);
  const tell = { tell: ask, value, metrics };
  switch (drawInteger(random, 20)) {
    case 0:
      return JSON.stringify({ tell: ask, unsafe: true });
    case 1:
      return JSON.stringify({ ...tell, aborted: 'a burst' });
    case 2:
      return JSON.stringify({ tell: ask - 1, value: 1 });
    case 3:
      return JSON.stringify({ tell: ask + 1, value: 1 });
    case 4:
      return pick(random, [
        '',
        '{',
        '[]',
        '{"tell":1,"value":NaN}',
        '{"end":1}',
        `{"tell":${ask}}`,
      ]);
    case 5:
      return JSON.stringify({ tell: ask, metrics });
    default:
      return JSON.stringify(tell);
  }
}

interface Asked {
  readonly ask: number;
  readonly configuration: Readonly<Record<string, unknown>>;
}

async function session(seed: number, former: Experience | undefined, file: object) {
  const random = createRandom(seed, 'answers');
  const { problem } = parseKnobsFile(JSON.stringify(file));
  const budget = 1 + drawInteger(random, 12);
  const experience = former === undefined ? {} : { experience: former };
  const tuner = createTuner(problem, { budget, seed, ...experience });
  const asked: Asked[] = [];
  const said: object[] = [];
  let open = 0;
  const end = await holdDialogue({
    tuner,
    space: problem.space,
    lines: (async function* (): AsyncGenerator<Line> {
      // A caller that errs each time would never end; this one errs in one of five.
      for (let number = 1; number <= 20 * budget; number += 1) {
        const text = answer(random, open, { limits: [...problem.limits] });
        yield await Promise.resolve({ number, text });
      }
    })(),
    say: (message) => {
      said.push(message);
      if ('ask' in message) {
        asked.push(message as Asked);
        open = (message as Asked).ask;
      }
      return Promise.resolve();
    },
    log: (sentence) => {
      if (!sentence.startsWith('line ')) expect(sentence).not.toMatch(/undefined|NaN|\[object/);
    },
    keep: () => {
      expect(JSON.parse(JSON.stringify(tuner.snapshot()))).toEqual(tuner.snapshot());
    },
    finish: () => undefined,
  });
  return { asked, budget, end, problem, said, tuner };
}

it('holds for any knobs, answers and orders', async () => {
  const outcomes = { adopted: 0, warm: 0, errors: 0 };
  for (let seed = 1; seed <= SESSIONS; seed += 1) {
    const file = knobsFile(createRandom(seed, 'knobs'));
    let former: Experience | undefined;
    for (const half of [0, 1]) {
      const { asked, budget, end, problem, said, tuner } = await session(
        2 * seed + half,
        former,
        file,
      );
      const about = `seed ${seed}, session ${half + 1}`;
      expect(end, about).toBe('finished');
      expect(asked.length, about).toBeLessThanOrEqual(budget);
      for (const { configuration } of asked) {
        const checked = problem.space.check(configuration);
        expect(checked.ok ? [] : checked.violations, about).toEqual([]);
      }
      const result = tuner.result();
      expect(said.at(-1), about).toMatchObject({ best: result.best, adopted: result.adopted });
      if (result.adopted) {
        outcomes.adopted += 1;
        const own = result.explanation.trajectory.filter(
          ({ proposal }) => JSON.stringify(proposal.values) === JSON.stringify(result.best),
        );
        for (const { decision, observation } of own.slice(-3)) {
          expect(decision.verdict, about).not.toBe('unsafe');
          const { metrics = {} } = observation;
          expect(
            problem.limits.every(({ metric, max }) => metrics[metric]! <= max),
            about,
          ).toBe(true);
        }
      }
      outcomes.warm += former === undefined ? 0 : 1;
      outcomes.errors += said.filter((one) => 'error' in one).length;
      former = JSON.parse(JSON.stringify(tuner.experience())) as Experience;
    }
  }
  expect(outcomes.warm).toBe(SESSIONS);
  expect(outcomes.errors).toBeGreaterThan(SESSIONS / 2);
});
