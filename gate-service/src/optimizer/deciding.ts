/** What follows from one observation: the decision and the state after it. */
import { updatePolicy } from './actor.ts';
import { decideAdoption, pairedConfidence } from './adoption.ts';
import { settle } from './comparing.ts';
import { sameEffect, changedKnobs, wayAlong } from './encoding.ts';
import { relieves } from './feasibility.ts';
import { excessOf, marginsOf, scaleOfTrials, whyUnjudged, whyUnsafe } from './measures.ts';
import { nextLane } from './racing.ts';
import { barrierOf, distanceBetween } from './safety.ts';
import { heldValues, safeValues } from './session-facts.ts';
import type { SessionFacts } from './session-facts.ts';
import type { Values } from './space/bound-space.ts';
import { incumbentOf, RADIUS, withoutRace, withoutRetreat } from './tuner-state.ts';
import type { Race, TunerState } from './tuner-state.ts';
import type { Decision, Observation, Proposal, Trial } from './tuner.ts';
import { changeInWords, short } from './wording.ts';

export interface Decided {
  readonly decision: Decision;
  readonly state: TunerState;
}

/** An unsafe step shortens later ones by this factor; the next one stays within that share of it. */
const AFTER_UNSAFE = { radius: 0.8, retreat: 0.6 } as const;
/** Advantage of 10 % is worth one unit of the policy's temperature scale. */
const ADVANTAGE_UNIT = 0.1;

export function decide(
  facts: SessionFacts,
  before: readonly Trial[],
  state: TunerState,
  proposal: Proposal,
  observation: Observation,
): Decided {
  const margins = marginsOf(facts.problem.limits, observation);
  const why = whyUnsafe(facts.problem.limits, observation);
  const measured = wordsOf(observation);
  const decided = (
    next: TunerState,
    verdict: Decision['verdict'],
    sentence: string,
    effect?: Decision['effect'],
  ): Decided => ({
    decision: {
      id: proposal.id,
      verdict,
      adopted: verdict === 'adopted',
      incumbent: incumbentOf(next),
      sentence: `${measured}${sentence}`,
      margins,
      ...(effect === undefined ? {} : { effect }),
    },
    state: next,
  });

  const { race } = state;
  // What is in force is measured again whatever it breaks: it is there, and its laps are needed.
  const ownLap = race !== undefined && isLapOfStart(state, race);
  if (why !== undefined && ownLap) {
    const lap = lapFrom(race, observation, true);
    const sentence = `unsafe: ${why}; ${wordsOfLap(lap)}: the configuration in force breaks its limits itself`;
    return decided({ ...state, race: lap }, 'unsafe', sentence);
  }
  if (why !== undefined) {
    const next = afterUnsafe(facts, before, state, proposal, observation);
    const reverted = incumbentOf(next) !== incumbentOf(state);
    const consequence =
      proposal.source === 'start'
        ? 'the configuration in force breaks its limits itself'
        : reverted
          ? 'reverted: the configuration adopted before is in force again'
          : 'the configuration in force stays, and this is not entered again on this workload';
    return decided(next, 'unsafe', `unsafe: ${why}; ${consequence}`);
  }
  const unjudged = whyUnjudged(facts.problem.limits, observation);
  if (unjudged !== undefined && !ownLap) {
    const own = sameEffect(facts.problem.space, proposal.values, facts.problem.start);
    const verdict = proposal.source === 'start' ? 'started' : 'noted';
    const about = own ? 'the configuration in force; ' : '';
    return decided(state, verdict, `${about}${unjudged}`);
  }
  const calm: TunerState = withoutRetreat(state);
  if (proposal.source === 'start') return decided(calm, 'started', 'the configuration in force');
  if (facts.options.paired === true) {
    return decidePaired(facts, before, calm, proposal, observation, decided);
  }
  if (calm.race !== undefined && observation.value !== undefined) {
    const lap = lapFrom(calm.race, observation, false);
    return decideLap(facts, before, calm, lap, decided);
  }
  return decided(
    screened(before, taught(facts, before, calm, proposal, observation), observation),
    'noted',
    'noted; one evaluation alone is never adopted',
  );
}

type Effect = NonNullable<Decision['effect']>;

type Decide = (
  next: TunerState,
  verdict: Decision['verdict'],
  sentence: string,
  effect?: Decision['effect'],
) => Decided;

/** Whether the open lap is one of the first configuration, that no other can be put in place of. */
function isLapOfStart({ incumbents }: TunerState, { laps }: Race): boolean {
  return nextLane(laps.length) === 'incumbent' && incumbents.length === 1;
}

function lapFrom(race: Race, { value }: Observation, broken: boolean): Race {
  const lap = {
    lane: nextLane(race.laps.length),
    ...(value === undefined ? {} : { value }),
    ...(broken ? { broken } : {}),
  };
  return { ...race, laps: [...race.laps, lap] };
}

function wordsOfLap({ laps, planned }: Race): string {
  return `lap ${laps.length} of ${planned} of the ${nextLane(laps.length - 1)}`;
}

function decideLap(
  { problem, options }: SessionFacts,
  before: readonly Trial[],
  state: TunerState,
  run: Race,
  decided: Decide,
): Decided {
  if (run.laps.length < run.planned) {
    return decided({ ...state, race: run }, 'noted', `${wordsOfLap(run)}, not decided yet`);
  }
  const settled = settle(problem.space, run, state.races, options.budget);
  const { effect, whole } = settled;
  const relieved = relieves(problem, run, before);
  const over = { ...withoutRace(state), races: [...state.races, run] };
  const change = effect === undefined ? 'the comparisons allow no estimate' : wordsOfEffect(effect);
  if (settled.adopted || relieved) {
    const why = relieved
      ? 'the configuration in force broke its limits each time, this one held them each time; '
      : '';
    return decided(
      { ...over, incumbents: [...state.incumbents, run.challenger], sinceProgress: 0 },
      'adopted',
      `adopted: ${why}${change}${whole === undefined ? '' : wordsOfWhole(whole)}`,
      whole ?? effect,
    );
  }
  return decided(
    over,
    'rejected',
    `not adopted: ${change}; the configuration in force stays`,
    effect,
  );
}

function wordsOfEffect({ change, low, high, comparisons, reference }: Effect): string {
  const [middle, from, to] = [change, low, high].map((one) => changeInWords(one, reference));
  return `${middle ?? ''} (plausible range ${from ?? ''} to ${to ?? ''}, ${comparisons} comparisons)`;
}

function wordsOfWhole(whole: Effect): string {
  return ` against what this session adopted before, and by way of that ${wordsOfEffect(whole)} against what it began with`;
}

/** A comparison side by side is decided at once; all of a budget's share the error. */
function decidePaired(
  facts: SessionFacts,
  before: readonly Trial[],
  state: TunerState,
  proposal: Proposal,
  observation: Observation,
  decided: Decide,
): Decided {
  const confidence = pairedConfidence(facts.options.budget - 1);
  const none = { hits: 0, total: 1 };
  const adoption = decideAdoption(
    {
      objectives: [{ name: 'value', logRatios: observation.logRatios ?? [] }],
      // Failures are metrics with limits here, and have been looked at.
      failures: { challenger: none, incumbent: none },
    },
    confidence,
  );
  const learnt = taught(facts, before, state, proposal, observation);
  const { effect: change, low, high } = adoption;
  const effect =
    change === undefined || low === undefined || high === undefined
      ? undefined
      : { change, low, high, confidence, comparisons: observation.logRatios?.length ?? 0 };
  const sentence = adoption.sentence.replace(', and no more failures', '');
  if (!adoption.adopted) {
    // Compared once more, it is no further step of the screening.
    const next = proposal.source === 'rerun' ? learnt : screened(before, learnt, observation);
    return decided(next, 'rejected', sentence, effect);
  }
  return decided(
    { ...learnt, incumbents: [...state.incumbents, proposal.values], sinceProgress: 0 },
    'adopted',
    sentence,
    effect,
  );
}

function afterUnsafe(
  { problem }: SessionFacts,
  before: readonly Trial[],
  state: TunerState,
  { source, values }: Proposal,
  observation: Observation,
): TunerState {
  if (source === 'start') return state;
  const { space } = problem;
  const others = (some: readonly Values[]): Values[] =>
    some.filter((one) => !sameEffect(space, one, values));
  const held = others(heldValues(problem, before));
  const safe = held.length > 0 ? held : others(safeValues(problem, before));
  const over: TunerState = withoutRace(state);
  if (held.length === 0 && isBetterThanStart(problem, before, observation)) {
    // A step out of a configuration that is broken itself: the way is right, only not far enough.
    return { ...over, barriers: [...state.barriers, { safe: values, violator: values }] };
  }
  const barrier = barrierOf(space, safe.length > 0 ? safe : [problem.start], values);
  // An adopted configuration that breaks a limit now is given up, for the one before it where it is in force.
  const incumbents = state.incumbents.filter(
    (one, index) => index === 0 || !sameEffect(space, one, values),
  );
  if (barrier === undefined) return { ...over, incumbents };
  const ways = changedKnobs(space, barrier.safe, values).map((name) =>
    Math.abs(wayAlong(space, name, barrier.safe, values)),
  );
  return {
    ...over,
    incumbents,
    barriers: [...state.barriers, barrier],
    radius: Math.max(RADIUS.least, AFTER_UNSAFE.radius * state.radius),
    // There is nothing to go back to where what is in force breaks its limits, too.
    ...(held.length > 0 && {
      retreat: {
        radius: AFTER_UNSAFE.retreat * Math.min(Math.max(0, ...ways), state.radius),
        distance: distanceBetween(space, barrier.safe, values),
      },
    }),
  };
}

/** Whether a violator broke its limits by less than the configuration in force does. */
function isBetterThanStart(
  { limits, space, start }: SessionFacts['problem'],
  before: readonly Trial[],
  observation: Observation,
): boolean {
  const started = before.findLast((trial) => sameEffect(space, trial.values, start));
  return started?.unsafe === true && excessOf(limits, observation) < excessOf(limits, started);
}

/** The policy after one more trial: advantage over the best before, on the scale of comparison. */
function taught(
  { problem }: SessionFacts,
  before: readonly Trial[],
  state: TunerState,
  { values }: Proposal,
  { value }: Observation,
): TunerState {
  const best = bestOf(before);
  if (value === undefined || best === undefined) return state;
  const scale = scaleOfTrials([...before, { values, value, unsafe: false }]);
  const advantage = (scale.of(best.value) - scale.of(value)) / ADVANTAGE_UNIT;
  const policy = updatePolicy(problem.space, state.policy, [
    { values: best.values, advantage: 0 },
    { values, advantage },
  ]);
  return { ...state, policy };
}

/** A step that was better needs no way back: the group is done. */
function screened(before: readonly Trial[], state: TunerState, { value }: Observation): TunerState {
  const best = bestOf(before);
  if (state.screening?.from === undefined || value === undefined) return state;
  if (best !== undefined && value >= best.value) return state;
  const { groups, at } = state.screening;
  return { ...state, screening: { groups, at: at + 1 } };
}

function bestOf(trials: readonly Trial[]): { value: number; values: Values } | undefined {
  let best: { value: number; values: Values } | undefined;
  for (const { value, values, unsafe } of trials) {
    if (unsafe || value === undefined) continue;
    if (best === undefined || value < best.value) best = { value, values };
  }
  return best;
}

function wordsOf({ value }: Observation): string {
  return value === undefined ? '' : `measured ${short(value)}: `;
}
