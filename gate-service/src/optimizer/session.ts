/** A first session behind the tuner's port: start, small safe steps around the best seen, one race at the end. */
import { createRandom, drawInteger } from '../statistics/random.ts';
import type { Random } from '../statistics/random.ts';
import type { Knob } from './space/knob.ts';
import { fromUnitInterval, toUnitInterval } from './space/unit-interval.ts';
import { hashOfSpace } from './space-hash.ts';
import {
  ForeignExperienceError,
  IllegalObservationError,
  UnknownProposalError,
} from './tuner-errors.ts';
import type {
  Decision,
  Experience,
  Explanation,
  Observation,
  Proposal,
  Step,
  Tuner,
  TunerOptions,
  TunerSnapshot,
  TuningProblem,
  TuningResult,
  Values,
} from './tuner.ts';
import { LAPS_TO_DECIDE, nextLane, raceResult, EMPTY_POOL } from './racing.ts';
import type { Lap } from './racing.ts';

const STEP = 0.12;

export function startSession(
  problem: TuningProblem,
  options: TunerOptions,
  former?: TunerSnapshot,
): Tuner {
  const space = hashOfSpace(problem.space.knobs);
  if (former !== undefined && former.space !== space) {
    throw new ForeignExperienceError('snapshot', former.space, space);
  }
  if (options.experience !== undefined && options.experience.space !== space) {
    throw new ForeignExperienceError('experience', options.experience.space, space);
  }
  const steps: Step[] = [...(former?.steps ?? [])];
  let open = former?.open;

  const safeSteps = (): Step[] => steps.filter(({ decision }) => decision.verdict !== 'unsafe');
  const yOf = (step: Step): number => step.observation.value ?? Infinity;
  const same = (one: Values, other: Values): boolean =>
    problem.space.names.every((name) => one[name] === other[name]);
  const incumbent = (): Values => steps.at(-1)?.decision.incumbent ?? problem.start;

  function raceLaps(): { challenger: Values; laps: Lap[] } | undefined {
    const from = steps.findIndex(({ proposal }) => proposal.source === 'rerun');
    const first = steps[from];
    if (first === undefined) return undefined;
    const laps = steps.slice(from).map((step, index): Lap => ({
      lane: index % 2 === 0 ? 'challenger' : 'incumbent',
      y: Math.log(yOf(step)),
    }));
    return { challenger: first.proposal.values, laps };
  }

  function ask(): Proposal | undefined {
    if (open !== undefined) return open;
    const left = options.budget - steps.length;
    if (left <= 0) return undefined;
    const id = steps.length + 1;
    const random = createRandom(options.seed, `ask ${id}`);
    open = propose(id, left, random);
    return open;
  }

  function propose(id: number, left: number, random: Random): Proposal {
    if (steps.length === 0) {
      return { id, values: problem.start, source: 'start', reason: 'the configuration in force' };
    }
    const race = raceLaps();
    if (race !== undefined || left <= LAPS_TO_DECIDE) {
      const leader =
        race?.challenger ??
        [...safeSteps()].sort((a, b) => yOf(a) - yOf(b))[0]?.proposal.values ??
        problem.start;
      const lane = nextLane(race?.laps ?? []);
      return {
        id,
        values: lane === 'challenger' ? leader : incumbent(),
        source: 'rerun',
        reason: `${lane} measured in turns`,
      };
    }
    if (
      problem.prior !== undefined &&
      steps.length === 1 &&
      !same(problem.prior.values, problem.start)
    ) {
      return { id, values: problem.prior.values, source: 'expert', reason: problem.prior.reason };
    }
    const leader =
      [...safeSteps()].sort((a, b) => yOf(a) - yOf(b))[0]?.proposal.values ?? problem.start;
    for (let tries = 0; tries < 200; tries += 1) {
      const values: Record<string, Values[string]> = { ...leader };
      const count = 1 + drawInteger(random, 3);
      for (let i = 0; i < count; i += 1) {
        const name = problem.space.names[drawInteger(random, problem.space.names.length)] ?? '';
        values[name] = moved(problem.space.knobs[name], values[name], random);
      }
      const checked = problem.space.check(values);
      if (checked.ok && !steps.some(({ proposal }) => same(proposal.values, checked.values))) {
        return {
          id,
          values: checked.values,
          source: 'policy',
          reason: 'a small step from the best seen',
        };
      }
    }
    return { id, values: leader, source: 'rerun', reason: 'no legal step was found' };
  }

  function tell(id: number, observation: Observation): Decision {
    if (open?.id !== id) throw new UnknownProposalError(id, open?.id);
    const { value, metrics = {}, unsafe, aborted } = observation;
    if (value !== undefined && !Number.isFinite(value)) {
      throw new IllegalObservationError(`value is ${value}, a finite number is needed`);
    }
    if (value === undefined && unsafe !== true && aborted === undefined) {
      throw new IllegalObservationError('it has neither a value nor unsafe nor aborted');
    }
    const broken = problem.limits.filter(({ metric, max }) => (metrics[metric] ?? 0) > max);
    const bad = unsafe === true || aborted !== undefined || broken.length > 0;
    const margins = problem.limits.flatMap(({ metric, max }) => {
      const measured = metrics[metric];
      return measured === undefined
        ? []
        : [{ metric, max, measured, share: (max - measured) / max }];
    });
    let decision: Decision = {
      id,
      verdict: bad ? 'unsafe' : id === 1 ? 'started' : 'noted',
      adopted: false,
      incumbent: incumbent(),
      sentence: bad ? 'unsafe' : 'noted',
      margins,
    };
    steps.push({ proposal: open, observation, decision });
    open = undefined;
    const race = raceLaps();
    if (race?.laps.length === LAPS_TO_DECIDE) {
      const result = raceResult(race.laps, EMPTY_POOL, 0.95);
      if (result !== undefined && result.high < 0) {
        decision = {
          ...decision,
          verdict: 'adopted',
          adopted: true,
          incumbent: race.challenger,
          sentence: 'adopted',
        };
        const last = steps.pop();
        if (last !== undefined) steps.push({ ...last, decision });
      }
    }
    return decision;
  }

  function result(): TuningResult {
    const best = incumbent();
    const explanation: Explanation = {
      summary: '',
      changes: problem.space.names
        .filter((name) => best[name] !== problem.start[name])
        .map((name) => ({ name, from: problem.start[name] ?? '', to: best[name] ?? '' })),
      margins: steps.at(-1)?.decision.margins ?? [],
      evaluations: steps.length,
      unsafeEvaluations: steps.length - safeSteps().length,
      trajectory: steps,
      memory: [],
    };
    return {
      best,
      adopted: !same(best, problem.start),
      explanation,
      ended: steps.length >= options.budget ? 'the budget is spent' : 'not ended yet',
    };
  }

  function experience(): Experience {
    return {
      version: 1,
      space,
      sessions: [
        ...(options.experience?.sessions ?? []),
        {
          context: problem.context,
          start: problem.start,
          trials: steps.map(({ proposal, observation, decision }) => ({
            values: proposal.values,
            ...(observation.value === undefined ? {} : { value: observation.value }),
            ...(observation.metrics === undefined ? {} : { metrics: observation.metrics }),
            unsafe: decision.verdict === 'unsafe',
          })),
          policy: { updates: 0, numeric: {}, categorical: {} },
          ...(same(incumbent(), problem.start) ? {} : { adopted: incumbent() }),
          violators: steps
            .filter(({ decision }) => decision.verdict === 'unsafe')
            .map(({ proposal }) => proposal.values),
        },
      ],
    };
  }

  const snapshot = (): TunerSnapshot => ({
    version: 1,
    space,
    options,
    ...(open === undefined ? {} : { open }),
    steps: [...steps],
  });

  return { ask, tell, result, snapshot, experience };
}

function moved(
  knob: Knob | undefined,
  value: Values[string] | undefined,
  random: Random,
): Values[string] {
  if (knob === undefined || value === undefined) return 0;
  switch (knob.kind) {
    case 'boolean':
      return value !== true;
    case 'categorical':
      return knob.categories[drawInteger(random, knob.categories.length)] ?? '';
    case 'integer':
    case 'real':
      return fromUnitInterval(knob, toUnitInterval(knob, value) + (2 * random.next() - 1) * STEP);
  }
}
