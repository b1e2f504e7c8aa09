/** Limits that are missing, broken from the start, or told in numbers that cannot be. */
import { describe, expect, it, vi } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { sameEffect } from './encoding.ts';
import type { Values } from './space/bound-space.ts';
import { observe, PROBLEM, smooth, SPACE } from './tuner-fixture.ts';
import type { World } from './tuner-fixture.ts';
import { createTuner } from './tuner.ts';
import type { Observation, Proposal, Tuner } from './tuner.ts';

vi.setConfig({ testTimeout: 60_000 });

const SMOOTH: World = { value: smooth };
const isStart = (values: Values) => sameEffect(SPACE, values, PROBLEM.start);

/** Plays a session whose observations are changed; what was asked. */
function playWith(
  tuner: Tuner,
  change: (told: Observation, asked: Proposal) => Observation,
  world = SMOOTH,
): Proposal[] {
  const asked: Proposal[] = [];
  for (let next = tuner.ask(); next !== undefined; next = tuner.ask()) {
    asked.push(next);
    const told = observe(world, next.values, createRandom(1, `noise ${next.id}`));
    tuner.tell(next.id, change(told, next));
  }
  return asked;
}

describe('a limit whose metric is missing', () => {
  const without = ({ value }: Observation): Observation => ({ value: value! });

  it('is said at once, and ends the session when it is missing everywhere', () => {
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
    const { sentence, verdict } = tuner.tell(tuner.ask()!.id, { value: 100 });
    expect(verdict).toBe('started');
    expect(sentence).toContain('no metric was told for the limit of errors (at most 0.01)');
    const again = tuner.ask()!;
    expect(again).toMatchObject({ source: 'rerun', values: PROBLEM.start });
    expect(again.reason).toContain('errors');
    tuner.tell(again.id, { value: 100 });
    expect(tuner.ask()).toBeUndefined();
    const { adopted, ended } = tuner.result();
    expect(adopted).toBe(false);
    expect(ended).toContain('the limit of errors cannot be judged: 2 evaluations in a row');
  });

  it('goes on when the start was told without it once only', () => {
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
    playWith(tuner, (told, { id }) => (id === 1 ? without(told) : told));
    expect(tuner.result().adopted).toBe(true);
  });

  it('keeps a challenger from being safe, raced or adopted', () => {
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
    const asked = playWith(tuner, (told, { values }) => (isStart(values) ? told : without(told)));
    expect(tuner.result().adopted).toBe(false);
    expect(tuner.result().ended).toContain('3 evaluations in a row');
    expect(asked.filter(({ source }) => source === 'rerun')).toEqual([]);
    const [, second] = tuner.result().explanation.trajectory;
    expect(second!.decision.verdict).toBe('noted');
    expect(second!.decision.sentence).toContain('errors');
  });

  it('keeps a lap of a race from counting', () => {
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
    let laps = 0;
    playWith(tuner, (told, { source, values }) => {
      if (source !== 'rerun' || isStart(values)) return told;
      laps += 1;
      return laps % 2 === 1 ? without(told) : told;
    });
    const { trajectory } = tuner.result().explanation;
    const counted = trajectory.filter(({ decision }) => /lap \d|adopted:/.test(decision.sentence));
    for (const { observation, proposal } of counted) {
      if (!isStart(proposal.values)) expect(observation.metrics).toBeDefined();
    }
    expect(laps).toBeGreaterThan(1);
  });

  it('keeps a comparison side by side from adopting', () => {
    const tuner = createTuner(PROBLEM, { budget: 4, seed: 1, paired: true });
    tuner.tell(tuner.ask()!.id, { value: 100, metrics: { errors: 0 } });
    const logRatios = [-0.4, -0.41, -0.39, -0.42, -0.4, -0.38];
    const decision = tuner.tell(tuner.ask()!.id, { logRatios });
    expect(decision).toMatchObject({ adopted: false, verdict: 'noted' });
    expect(decision.sentence).toContain('limit of errors');
    const judged = tuner.tell(tuner.ask()!.id, { logRatios, metrics: { errors: 0 } });
    expect(judged.adopted).toBe(true);
  });

  it('leaves a probability of one half where nothing was ever told of it', () => {
    const second = { metric: 'cpu', max: 0.9 };
    const limited = { ...PROBLEM, limits: [...PROBLEM.limits, second] };
    const tuner = createTuner(limited, { budget: 9, seed: 1 });
    tuner.tell(tuner.ask()!.id, { unsafe: true, value: 100, metrics: { errors: 0.0005 } });
    expect(tuner.ask()!.predicted!.safe).toBeLessThanOrEqual(0.5);
  });
});

describe('a configuration in force that breaks a limit', () => {
  /** Errors fall with the workers, below the limit from 60 on. */
  const errors = ({ workers }: Values) => 0.01 * (60 / Number(workers)) ** 2;
  const overloaded = (told: Observation, { values }: Proposal): Observation => ({
    value: told.value!,
    metrics: { errors: errors(values) },
  });

  it.each([1, 2, 3])('is left for one that holds it, by seed %i', (seed) => {
    const tuner = createTuner(PROBLEM, { budget: 20, seed });
    playWith(tuner, overloaded);
    const { best, adopted, explanation } = tuner.result();
    expect(adopted).toBe(true);
    expect(errors(best)).toBeLessThanOrEqual(0.01);
    expect(explanation.summary).toContain('held them each time');
    expect(explanation.effect!.comparisons).toBe(3);
  });

  it.each<[string, (told: Observation) => Observation]>([
    ['told unsafe', ({ value }) => ({ value: value!, unsafe: true })],
    ['broken off', () => ({ aborted: 'no answer' })],
  ])('is left when it is only %s, even for larger values', (_, broken) => {
    const worse: World = { value: (values) => (isStart(values) ? 100 : 120), noise: 0.02 };
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 2 });
    playWith(tuner, (told, { values }) => (isStart(values) ? broken(told) : told), worse);
    const { adopted, best, explanation } = tuner.result();
    expect(adopted).toBe(true);
    expect(isStart(best)).toBe(false);
    expect(explanation.summary).toContain('broke its limits each time');
  });

  it('stays when it broke a limit only once and what holds it is worse', () => {
    const worse: World = { value: (values) => (isStart(values) ? 100 : 120), noise: 0.02 };
    const tuner = createTuner(PROBLEM, { budget: 30, seed: 2 });
    playWith(tuner, (told, { id }) => (id === 1 ? { ...told, unsafe: true } : told), worse);
    expect(tuner.result().adopted).toBe(false);
  });

  it('stays when nothing within reach holds the limit', () => {
    const tuner = createTuner(PROBLEM, { budget: 12, seed: 2 });
    const asked = playWith(tuner, (told) => ({ ...told, metrics: { errors: 0.5 } }));
    expect(tuner.result().adopted).toBe(false);
    expect(new Set(asked.map(({ values }) => JSON.stringify(values))).size).toBe(asked.length);
  });
});

describe('an absurd value', () => {
  const absurd = [1e12, 1e-12, 0, -1e12];

  it.each(absurd)('%d of one challenger is never adopted, nor blinds the critics', (value) => {
    const flat: World = { value: () => 100, noise: 0.03 };
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 2 });
    playWith(tuner, (told, { id }) => (id === 3 ? { ...told, value } : told), flat);
    expect(tuner.result().adopted).toBe(false);
    for (const { proposal } of tuner.result().explanation.trajectory) {
      const { change = 0, low = 0, high = 0, safe = 0 } = proposal.predicted ?? {};
      for (const number of [change, low, high, safe]) expect(Number.isFinite(number)).toBe(true);
    }
  });

  it.each(absurd)('%d in a lap of a race is not adopted', (value) => {
    const flat: World = { value: () => 100, noise: 0.03 };
    for (const lane of ['challenger', 'incumbent']) {
      const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
      let seen = false;
      const asked = playWith(
        tuner,
        (told, { source, values }) => {
          const own = (lane === 'incumbent') === isStart(values);
          if (source !== 'rerun' || seen || !own) return told;
          seen = true;
          return { ...told, value };
        },
        flat,
      );
      expect(tuner.result().adopted).toBe(false);
      if (asked.some(({ source }) => source === 'rerun')) expect(seen).toBe(true);
    }
  });

  it.each([1e12, -1e12])('%d does not hide what is better by far', (value) => {
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
    playWith(tuner, (told, { id }) => (id === 2 ? { ...told, value } : told));
    const { adopted, best } = tuner.result();
    expect(adopted).toBe(true);
    expect(smooth(best)).toBeLessThan(smooth(PROBLEM.start));
  });

  it('is told in differences, not percentages, where values may be 0 or less', () => {
    const throughput: World = { value: (values) => -1e5 / smooth(values), noise: 0 };
    const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
    playWith(tuner, (told) => told, throughput);
    const { adopted, explanation } = tuner.result();
    expect(adopted).toBe(true);
    expect(explanation.effect!.reference).toBeGreaterThan(0);
    expect(explanation.summary).toMatch(/adopted: -\d+/);
    expect(explanation.summary).not.toContain('%');
  });
});
