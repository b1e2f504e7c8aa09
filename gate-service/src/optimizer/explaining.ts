/** Why a challenger is tried and what a session came to, for people and programs. */
import { changedKnobs } from './encoding.ts';
import type { Known } from './exploring.ts';
import { probabilityToHold } from './exploring.ts';
import { asChange, holdsLimits, scaleOfTrials, unjudgedLimits } from './measures.ts';
import { trialsOf } from './session-facts.ts';
import type { SessionFacts } from './session-facts.ts';
import type { Values } from './space/bound-space.ts';
import { incumbentOf } from './tuner-state.ts';
import type { TunerState } from './tuner-state.ts';
import type { Explanation, KnobShare, Prediction, Step } from './tuner.ts';
import { short } from './wording.ts';

/** Half-width of a 90 % interval in standard deviations. */
const NINETY = 1.645;
const MOST_KNOBS = 4;

/** What the critics foretell of values, against the configuration in force. */
export function predictionOf(known: Known, state: TunerState, values: Values): Prediction {
  const { facts, landscape, trials } = known;
  const { space } = facts.problem;
  const scale = scaleOfTrials(trials);
  const incumbent = incumbentOf(state);
  const { mean, sd } = landscape.outlook(values);
  const base = landscape.outlook(incumbent).mean;
  const change = (at: number): number => asChange(scale, at - base);
  // What is lost when one knob alone is turned back.
  const parts = changedKnobs(space, incumbent, values).map((name) => {
    const turnedBack = { ...values, [name]: incumbent[name] ?? '' };
    return { name, part: mean - landscape.outlook(turnedBack).mean };
  });
  const total = parts.reduce((sum, { part }) => sum + Math.abs(part), 0);
  const knobs = parts
    .map(({ name, part }): KnobShare => ({
      name,
      from: incumbent[name] ?? '',
      to: values[name] ?? '',
      share: total > 0 ? Math.abs(part) / total : 0,
    }))
    .sort((one, other) => other.share - one.share)
    .slice(0, MOST_KNOBS);
  return {
    change: change(mean),
    low: change(mean - NINETY * sd),
    high: change(mean + NINETY * sd),
    ...(scale.reference === undefined ? {} : { reference: scale.reference }),
    safe: probabilityToHold(known, state, values),
    knobs,
  };
}

export function explain(
  facts: SessionFacts,
  state: TunerState,
  steps: readonly Step[],
  dropped: readonly string[],
): Explanation {
  const { limits, space, start } = facts.problem;
  const best = incumbentOf(state);
  const changes = space.names
    .filter((name) => best[name] !== start[name])
    .map((name) => ({ name, from: start[name] ?? '', to: best[name] ?? '' }));
  const adoption = changes.length === 0 ? undefined : adoptionOf(steps, best, space.names);
  const effect = adoption?.decision.effect;
  const trials = trialsOf(limits, steps);
  const unsafe = trials.filter((trial) => trial.unsafe).length;
  const unjudged = trials.filter((trial) => !trial.unsafe && !holdsLimits(limits, trial));
  const missing = new Set(
    unjudged.flatMap((trial) => unjudgedLimits(limits, trial).map(({ metric }) => metric)),
  );
  const words = changes.map(({ name, from, to }) => `${name} ${word(from)} → ${word(to)}`);
  return {
    summary: [
      `${steps.length} evaluations, ${unsafe} of them unsafe.`,
      ...(unjudged.length === 0
        ? []
        : [
            `${unjudged.length} could not be judged by all limits, as they were told without ${[...missing].join(', ')}.`,
          ]),
      ...reversals(steps, space.names),
      changes.length === 0
        ? 'Nothing was shown to be better: the configuration in force stays.'
        : `Adopted: ${words.join(', ')}. ${adoption?.decision.sentence ?? ''}`,
    ].join(' '),
    changes,
    ...(effect === undefined ? {} : { effect }),
    margins: marginsOfBest(steps, best, space.names),
    evaluations: steps.length,
    unsafeEvaluations: unsafe,
    trajectory: steps,
    memory: [...facts.memory.sentences, ...dropped],
  };
}

/** The step that adopted what is in force now: a later adoption may have been given up again. */
function adoptionOf(
  steps: readonly Step[],
  best: Values,
  names: readonly string[],
): Step | undefined {
  return steps.findLast(
    ({ decision: { adopted, incumbent } }) =>
      adopted && names.every((name) => incumbent[name] === best[name]),
  );
}

/** What was adopted and given up again, and why. */
function reversals(steps: readonly Step[], names: readonly string[]): string[] {
  return steps.flatMap(({ decision: { incumbent, sentence, verdict }, proposal }, index) => {
    const before = steps[index - 1]?.decision.incumbent;
    const reverted = before !== undefined && names.some((name) => before[name] !== incumbent[name]);
    return reverted && verdict === 'unsafe'
      ? [`What was adopted was given up again at evaluation ${proposal.id}: ${sentence}.`]
      : [];
  });
}

function marginsOfBest(
  steps: readonly Step[],
  best: Values,
  names: readonly string[],
): Explanation['margins'] {
  const last = steps.findLast(({ proposal }) =>
    names.every((name) => proposal.values[name] === best[name]),
  );
  return last?.decision.margins ?? [];
}

function word(value: Values[string]): string {
  return typeof value === 'number' ? short(value) : String(value);
}
