/** What follows from one observation: the decision and the state after it. */
import { updatePolicy } from './actor.ts';
import { decideAdoption } from './adoption.ts';
import { settle } from './comparing.ts';
import { sameEffect, changedKnobs, wayAlong } from './encoding.ts';
import { marginsOf, scaleOfTrials, short, whyUnsafe } from './measures.ts';
import { nextLane } from './racing.ts';
import { barrierOf, distanceBetween } from './safety.ts';
import { safeValues } from './session-facts.ts';
import type { SessionFacts } from './session-facts.ts';
import type { Values } from './space/bound-space.ts';
import { incumbentOf, RADIUS, withoutRace, withoutRetreat } from './tuner-state.ts';
import type { Race, TunerState } from './tuner-state.ts';
import type { Decision, Observation, Proposal, Trial } from './tuner.ts';

export interface Decided {
  readonly decision: Decision;
  readonly state: TunerState;
}

/** An unsafe step shortens later ones by this factor; the next one stays within that share of it. */
const AFTER_UNSAFE = { radius: 0.8, retreat: 0.6 } as const;
/** Chance that a session of paired comparisons adopts anything although nothing is better. */
const PAIRED_ERROR = 0.025;
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

  if (why !== undefined) {
    const next = afterUnsafe(facts, before, state, proposal);
    const reverted = next.incumbents.length < state.incumbents.length;
    const consequence =
      proposal.source === 'start'
        ? 'the configuration in force breaks its limits itself'
        : reverted
          ? 'reverted: the configuration adopted before is in force again'
          : 'the configuration in force stays, and this is not entered again on this workload';
    return decided(next, 'unsafe', `unsafe: ${why}; ${consequence}`);
  }
  const calm: TunerState = withoutRetreat(state);
  if (proposal.source === 'start') return decided(calm, 'started', 'the configuration in force');
  if (facts.options.paired === true) {
    return decidePaired(facts, before, calm, proposal, observation, decided);
  }
  if (calm.race !== undefined && observation.value !== undefined) {
    return decideLap(facts, calm, calm.race, observation.value, decided);
  }
  return decided(
    screened(facts, before, taught(facts, before, calm, proposal, observation), observation),
    'noted',
    'noted; one evaluation alone is never adopted',
  );
}

type Decide = (
  next: TunerState,
  verdict: Decision['verdict'],
  sentence: string,
  effect?: Decision['effect'],
) => Decided;

function decideLap(
  { options }: SessionFacts,
  state: TunerState,
  race: Race,
  value: number,
  decided: Decide,
): Decided {
  const lane = nextLane(race.laps.length);
  const run: Race = { ...race, laps: [...race.laps, { lane, value }] };
  if (run.laps.length < run.planned) {
    const lap = `lap ${run.laps.length} of ${run.planned} of the ${lane}`;
    return decided({ ...state, race: run }, 'noted', `${lap}, not decided yet`);
  }
  const { adopted, effect } = settle(run, state.races, options.budget);
  const over = { ...withoutRace(state), races: [...state.races, run] };
  const change =
    effect === undefined
      ? 'the comparisons allow no estimate'
      : `${signed(effect.change)} (plausible range ${signed(effect.low)} to ${signed(effect.high)}, ${effect.comparisons} comparisons)`;
  if (adopted) {
    return decided(
      { ...over, incumbents: [...state.incumbents, run.challenger], sinceProgress: 0 },
      'adopted',
      `adopted: ${change}`,
      effect,
    );
  }
  return decided(
    over,
    'rejected',
    `not adopted: ${change}; the configuration in force stays`,
    effect,
  );
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
  const confidence = 1 - (2 * PAIRED_ERROR) / Math.max(1, facts.options.budget - 1);
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
    return decided(screened(facts, before, learnt, observation), 'rejected', sentence, effect);
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
): TunerState {
  if (source === 'start') return state;
  const { space } = problem;
  const safe = safeValues(problem, before).filter((one) => !sameEffect(space, one, values));
  const barrier = barrierOf(space, safe.length > 0 ? safe : [problem.start], values);
  const over: TunerState = withoutRace(state);
  // An adopted configuration that breaks a limit now is given up for the one before it.
  const incumbents =
    state.incumbents.length > 1 && sameEffect(space, incumbentOf(state), values)
      ? state.incumbents.slice(0, -1)
      : state.incumbents;
  if (barrier === undefined) return { ...over, incumbents };
  const ways = changedKnobs(space, barrier.safe, values).map((name) =>
    Math.abs(wayAlong(space, name, barrier.safe, values)),
  );
  return {
    ...over,
    incumbents,
    barriers: [...state.barriers, barrier],
    radius: Math.max(RADIUS.least, AFTER_UNSAFE.radius * state.radius),
    retreat: {
      radius: AFTER_UNSAFE.retreat * Math.min(Math.max(0, ...ways), state.radius),
      distance: distanceBetween(space, barrier.safe, values),
    },
    sinceProgress: state.sinceProgress + 1,
  };
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
function screened(
  _: SessionFacts,
  before: readonly Trial[],
  state: TunerState,
  { value }: Observation,
): TunerState {
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

function signed(ratio: number): string {
  return `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`;
}
