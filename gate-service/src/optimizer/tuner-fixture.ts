/** A small stack for tests: three knobs, a smooth optimum, noise, and a cliff where one is wanted. */
import type { Random } from '../statistics/random.ts';
import { createRandom } from '../statistics/random.ts';
import { drawNormal } from './actor.ts';
import { bindSpace } from './space/bound-space.ts';
import type { Values } from './space/bound-space.ts';
import { categoricalKnob, integerKnob, realKnob } from './space/knob.ts';
import { createKnobSpace } from './space/knob-space.ts';
import type { Experience, Observation, Proposal, Step, Tuner, TuningProblem } from './tuner.ts';

const common = { description: '', unit: '' } as const;

export const SPACE = bindSpace(
  createKnobSpace({
    knobs: {
      workers: integerKnob({ ...common, scale: 'log', minimum: 10, maximum: 1000 }),
      share: realKnob({ ...common, scale: 'linear', minimum: 0, maximum: 1 }),
      balancer: categoricalKnob({ description: '', categories: ['round', 'least'] }),
    },
    constraints: [],
  }),
  undefined,
);

export const PROBLEM: TuningProblem = {
  space: SPACE,
  start: { workers: 40, share: 0.3, balancer: 'round' },
  limits: [{ metric: 'errors', max: 0.01 }],
  context: { rate: 7 },
};

/** The first step of a session. */
export const STARTED: Step = {
  proposal: { id: 1, values: PROBLEM.start, source: 'start', reason: '' },
  observation: { value: 100 },
  decision: {
    id: 1,
    verdict: 'started',
    adopted: false,
    incumbent: PROBLEM.start,
    sentence: '',
    margins: [],
  },
};

/** Best at 200 workers, share 0.6 and `least`: less than half of the start's. */
export function smooth(values: Values): number {
  const workers = Math.log(Number(values.workers) / 200);
  const share = Number(values.share) - 0.6;
  return (
    100 * Math.exp(0.3 * workers ** 2 + 2 * share ** 2 + (values.balancer === 'round' ? 0.2 : 0))
  );
}

export interface World {
  readonly value: (values: Values) => number;
  readonly unsafe?: (values: Values) => boolean;
  readonly noise?: number;
}

export function observe(world: World, values: Values, random: Random): Observation {
  const unsafe = world.unsafe?.(values) ?? false;
  const noise = Math.exp((world.noise ?? 0.03) * drawNormal(random));
  return {
    value: world.value(values) * noise,
    metrics: { errors: unsafe ? 0.3 : 0.0005 },
    unsafe,
  };
}

/** Plays a session to its end; what was asked. */
export function play(tuner: Tuner, world: World, seed = 1, most = Infinity): Proposal[] {
  const asked: Proposal[] = [];
  for (let next = tuner.ask(); next !== undefined; next = tuner.ask()) {
    asked.push(next);
    tuner.tell(next.id, observe(world, next.values, createRandom(seed, `noise ${next.id}`)));
    if (asked.length >= most) break;
  }
  return asked;
}

/** As a store hands it back. */
export function throughJson(experience: Experience): Experience {
  return JSON.parse(JSON.stringify(experience)) as Experience;
}
