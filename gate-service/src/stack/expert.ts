/**
 * The expert policy: what someone who knows this stack would set for a given load, as a starting
 * point (prior) for tuning. The formulas are in `expert-table.ts`; sizes were checked against what
 * was measured on two cores.
 */
import type { Prior } from '../optimizer/space/bound-space.ts';
import { createStackConfiguration } from './configuration.ts';
import type { StackConfiguration } from './configuration.ts';
import { EXPERT_ROWS, expertValues, isApplied, placesWanted } from './expert-table.ts';
import type { ExpertLoad } from './expert-table.ts';
import { findHeadroom } from './headroom.ts';
import { KNOB_NAMES } from './knobs.ts';
import type { StackValues } from './knobs.ts';
import type { NodeResources } from './resources.ts';
import type { TunableSpace } from './tunable-space.ts';
import { LED_KNOBS, TUNING_KNOB_NAMES } from './tuning-knobs.ts';
import type { TuningKnobName, TuningValues } from './tuning-knobs.ts';

export interface ExpertProposal {
  readonly configuration: StackConfiguration;
  /** 0..1: how sure the policy is that this beats the incumbent; 0 when it proposes the incumbent itself. */
  readonly confidence: number;
  /** Why, in words. */
  readonly reason: string;
}

/** How sure the expert is that a knob stays where it is when the telemetry shows nothing to win. */
const NOTHING_TO_WIN = 0.9;

/**
 * Proposes a configuration for one node under this load. It widens what is too narrow and never
 * narrows: a smaller pool wins nothing while it is not full. Deadlines, retries and outlier
 * detection stay the incumbent's, because they trade errors for latency and that is no tuner's
 * business. Telemetry that is no number, or a node with no room for more, gives the incumbent.
 */
export function expertConfiguration(
  load: ExpertLoad,
  resources: NodeResources,
  incumbent: StackConfiguration,
): ExpertProposal {
  const headroom = findHeadroom(load, incumbent);
  const places = placesWanted(load, resources);
  if (places === undefined) return keep(incumbent, headroom.reason);
  const least = incumbent.values['httpd.maxRequestWorkers'];
  let wanted = Math.max(least, places);
  // The node's memory and descriptors may not carry the demand: take the largest that they do.
  for (;;) {
    const values = applied(expertValues(wanted, load, resources, incumbent.values), incumbent);
    const result = createStackConfiguration(values, resources);
    if (result.ok) {
      return result.configuration.hash === incumbent.hash
        ? keep(incumbent, 'The incumbent is what the expert policy would set.')
        : {
            configuration: result.configuration,
            confidence: headroom.exists ? 0.9 : 0.1,
            reason: headroom.reason,
          };
    }
    const smaller = Math.floor(wanted * 0.9);
    if (smaller < least || smaller === wanted) {
      const why = result.violations.map(({ message }) => message).join(' ');
      return keep(incumbent, `The node has no room for more: ${why}`);
    }
    wanted = smaller;
  }
}

/**
 * The expert's configuration as the tuner's prior, in the tuner's space. Where the telemetry shows
 * nothing to win, or the expert would change nothing, it is the start itself: an expert that moves
 * sizes there would only fit noise. Its values are always legal in `space`.
 */
export function expertPrior(
  load: ExpertLoad,
  resources: NodeResources,
  incumbent: StackConfiguration,
  space: TunableSpace,
): Prior {
  const headroom = findHeadroom(load, incumbent);
  const expert = expertConfiguration(load, resources, incumbent);
  if (!headroom.exists || expert.confidence === 0) {
    const reason = headroom.exists ? expert.reason : headroom.reason;
    return stay(space, reason);
  }
  const values = inSpace(space.contract(expert.configuration.values), space);
  const checked = space.check(values);
  if (!checked.ok) {
    const why = checked.violations.map(({ message }) => message).join(' ');
    return stay(space, `The expert’s configuration is none that may be tuned to: ${why}`);
  }
  const confidence = Object.fromEntries(
    TUNING_KNOB_NAMES.map((name) => [name, confidenceOf(name)]),
  );
  return { values, confidence, reason: `${headroom.reason} ${wordsFor(values, space.start)}` };
}

/** What the policy does not set itself stays as it is in force. */
function applied(values: StackValues, { values: now }: StackConfiguration): StackValues {
  const kept = KNOB_NAMES.filter((name) => !isApplied(name));
  return { ...values, ...Object.fromEntries(kept.map((name) => [name, now[name]])) };
}

/** Held knobs as in the start, numbers within their range. */
function inSpace(values: TuningValues, { start, held, knobs }: TunableSpace): TuningValues {
  const near = TUNING_KNOB_NAMES.map((name) => {
    const [knob, value] = [knobs[name], values[name]];
    if (name in held) return [name, start[name]];
    if (knob === undefined || !('scale' in knob) || typeof value !== 'number') return [name, value];
    return [name, Math.min(knob.maximum, Math.max(knob.minimum, value))];
  });
  return Object.freeze(Object.fromEntries(near)) as TuningValues;
}

/** As sure as of the first of the knobs that it leads: the others follow from that. */
function confidenceOf(name: TuningKnobName): number {
  const [first] = LED_KNOBS[name];
  return EXPERT_ROWS[first].confidence;
}

function wordsFor(values: TuningValues, start: TuningValues): string {
  const changes = TUNING_KNOB_NAMES.filter((name) => values[name] !== start[name]).map(
    (name) => `${name} ${String(start[name])} to ${String(values[name])}`,
  );
  return changes.length === 0
    ? 'The expert would turn none of the knobs that may be tuned.'
    : `The expert would turn ${changes.join(', ')}.`;
}

function stay(space: TunableSpace, reason: string): Prior {
  const confidence = Object.fromEntries(TUNING_KNOB_NAMES.map((name) => [name, NOTHING_TO_WIN]));
  return { values: space.start, confidence, reason };
}

function keep(incumbent: StackConfiguration, reason: string): ExpertProposal {
  return { configuration: incumbent, confidence: 0, reason };
}
