/** The tuner's space around one configuration in force: which knobs it may turn there, and what they make of the stack. */
import { bindSpace } from '../optimizer/space/bound-space.ts';
import type { BoundSpace, Values } from '../optimizer/space/bound-space.ts';
import { createKnobSpace } from '../optimizer/space/knob-space.ts';
import type { CheckedValues, Constraint } from '../optimizer/space/knob-space.ts';
import type { Knob } from '../optimizer/space/knob.ts';
import { createStackConfiguration } from './configuration.ts';
import type { StackConfiguration, StackConfigurationResult } from './configuration.ts';
import { placesWanted } from './expert-table.ts';
import type { ExpertLoad } from './expert-table.ts';
import { inFlight } from './headroom.ts';
import type { StackValues } from './knobs.ts';
import { placesIn, poolsFor } from './pools.ts';
import { hasVirtualThreads, VIRTUAL_THREADS_JAVA } from './resources.ts';
import type { NodeResources } from './resources.ts';
import { IDLE_MARGIN_MS, TUNING_KNOB_NAMES, TUNING_KNOBS } from './tuning-knobs.ts';
import type { TuningKnobName, TuningValues } from './tuning-knobs.ts';

/** What is known besides the node itself. */
export interface Surroundings {
  /** Load of one node; its pools are made neither smaller than the requests in flight nor larger than of any use. */
  readonly telemetry?: ExpertLoad;
  /** Nodes of the arm. Default 1. */
  readonly nodes?: number;
  /** Whether the arm's nodes were seen to differ in speed. Default false. */
  readonly nodesDiffer?: boolean;
  /** Whether the proxy is in front; false where nodes are measured straight. Default true. */
  readonly mesh?: boolean;
}

/** A space for the tuner (`BoundSpace`), with the way back to configurations of the stack. */
export interface TunableSpace extends BoundSpace {
  /** The configuration in force. `expand(start)` is exactly that, whatever it is. */
  readonly start: TuningValues;
  /** Knobs that may not be turned in this situation, and why: inactive, and legal only as in `start`. */
  readonly held: Readonly<Partial<Record<TuningKnobName, string>>>;
  /**
   * The configuration of the stack. A knob that stands as in `start` changes nothing; one that was
   * turned brings those that it leads. What breaks a rule is refused with all broken rules.
   */
  expand(values: unknown): StackConfigurationResult;
  /** Where a configuration of the stack lies in this space; what it has besides is lost. */
  contract(values: StackValues): TuningValues;
}

interface Situation {
  readonly start: TuningValues;
  readonly held: TunableSpace['held'];
  /** Fewest places that hold the load. */
  readonly leastPlaces: number;
  /** Most places that could be of use for it. */
  readonly mostPlaces: number;
}

/**
 * Places beyond so many times the requests in flight stay empty. They would cost memory, win
 * nothing, and let an overload in that a smaller pool keeps at the door.
 */
const MOST_PLACES_PER_REQUEST = 4;

/** The tuner's space around `incumbent` on nodes with these resources. */
export function tunableSpace(
  incumbent: StackConfiguration,
  resources: NodeResources,
  surroundings: Surroundings = {},
): TunableSpace {
  const now = incumbent.values;
  const start = contractValues(now);
  const situation: Situation = {
    start,
    held: heldKnobs(now, resources, surroundings),
    ...placesFor(start, now, resources, surroundings.telemetry),
  };
  const space = createKnobSpace<typeof TUNING_KNOBS, Situation>({
    knobs: knobsAround(start),
    constraints: [heldStill, placesHoldLoad, placesOfUse],
  });
  const bound = bindSpace(space, situation);
  const expand = (values: unknown): StackConfigurationResult => {
    const checked = space.check(values, situation);
    if (!checked.ok) return checked;
    return createStackConfiguration(stackValues(checked.values, start, now, resources), resources);
  };
  return Object.freeze({
    ...bound,
    start,
    held: situation.held,
    check(values: unknown): CheckedValues<Values> {
      const checked = bound.check(values);
      if (!checked.ok) return checked;
      const expanded = expand(checked.values);
      return expanded.ok ? checked : expanded;
    },
    isActive: (name: string, values: Values): boolean =>
      !Object.hasOwn(situation.held, name) && bound.isActive(name, values),
    expand,
    contract: contractValues,
  });
}

const heldStill: Constraint<TuningValues, Situation> = {
  name: 'held-still',
  holds: (values, { start, held }) => turned(values, start).every((name) => !(name in held)),
  message: (values, { start, held }) =>
    turned(values, start)
      .filter((name) => name in held)
      .map((name) => `${name} must stay ${String(start[name])}: ${held[name] ?? ''}.`)
      .join(' '),
};

const placesHoldLoad: Constraint<TuningValues, Situation> = {
  name: 'places-hold-load',
  holds: ({ places }, { leastPlaces: least }) => places >= least,
  message: ({ places }, { leastPlaces: least }) =>
    `places (${places}) must be at least ${least}: so many requests were in flight at a node.`,
};

const placesOfUse: Constraint<TuningValues, Situation> = {
  name: 'places-of-use',
  holds: ({ places }, { mostPlaces: most }) => places <= most,
  message: ({ places }, { mostPlaces: most }) =>
    `places (${places}) must be at most ${most}: the requests in flight at a node never fill more.`,
};

function turned(values: TuningValues, start: TuningValues): readonly TuningKnobName[] {
  return TUNING_KNOB_NAMES.filter((name) => values[name] !== start[name]);
}

function placesFor(
  start: TuningValues,
  now: StackValues,
  resources: NodeResources,
  telemetry: ExpertLoad | undefined,
): Pick<Situation, 'leastPlaces' | 'mostPlaces'> {
  const load = telemetry && inFlight(telemetry);
  if (telemetry === undefined || load === undefined) {
    return { leastPlaces: 1, mostPlaces: Number.POSITIVE_INFINITY };
  }
  const expected = Math.max(
    MOST_PLACES_PER_REQUEST * load,
    placesWanted(telemetry, resources) ?? 0,
  );
  return {
    leastPlaces: Math.min(start.places, Math.ceil(load)),
    // Workers that are there already and have no connection to Jetty cost nothing more.
    mostPlaces: Math.max(start.places, now['httpd.maxRequestWorkers'], Math.ceil(expected)),
  };
}

function heldKnobs(
  now: StackValues,
  resources: NodeResources,
  { nodes = 1, nodesDiffer = false, mesh = true }: Surroundings,
): TunableSpace['held'] {
  const java = resources.javaVersion === undefined ? 'unknown' : `${resources.javaVersion}`;
  const noMesh = 'no proxy is in front';
  const reasons: Readonly<Partial<Record<TuningKnobName, string | false>>> = {
    'jetty.virtualThreads':
      !hasVirtualThreads(resources) &&
      `the node’s Java is ${java}, virtual threads need ${VIRTUAL_THREADS_JAVA}`,
    'httpd.keepAlive': now['httpd.keepAlive'] && 'it is on, and off only adds connections',
    'httpd.unlimitedKeepAlive':
      now['httpd.maxKeepAliveRequests'] === 0 && 'there is no limit that could be lifted',
    'mesh.idleTimeout': !mesh && noMesh,
    'httpd.compressionLevel': !now['httpd.compression'] && 'compression is off',
    'mesh.loadBalancer': mesh ? nodes < 2 && 'a single node leaves no choice' : noMesh,
    'mesh.nodeWeighting': mesh
      ? (nodes < 2 || !nodesDiffer) && 'the nodes were not seen to differ in speed'
      : noMesh,
  };
  return Object.freeze(
    Object.fromEntries(Object.entries(reasons).filter(([, reason]) => reason !== false)),
  );
}

/** The declared knobs; a range that the configuration in force lies outside of is widened to it. */
function knobsAround(start: TuningValues): typeof TUNING_KNOBS {
  const around = ([name, knob]: [string, Knob]): [string, Knob] => {
    const value = start[name as TuningKnobName];
    if (!('scale' in knob) || typeof value !== 'number') return [name, knob];
    const minimum = Math.min(knob.minimum, value);
    const maximum = Math.max(knob.maximum, value);
    if (minimum === knob.minimum && maximum === knob.maximum) return [name, knob];
    const declared = Object.freeze({ minimum: knob.minimum, maximum: knob.maximum });
    return [name, Object.freeze({ ...knob, minimum, maximum, declared })];
  };
  return Object.fromEntries(Object.entries<Knob>(TUNING_KNOBS).map(around)) as typeof TUNING_KNOBS;
}

function contractValues(values: StackValues): TuningValues {
  return Object.freeze({
    places: placesIn(values),
    'jetty.minThreads': values['jetty.minThreads'],
    'jetty.virtualThreads': values['jetty.virtualThreads'],
    'httpd.keepAlive': values['httpd.keepAlive'],
    'httpd.unlimitedKeepAlive': values['httpd.maxKeepAliveRequests'] === 0,
    'mesh.idleTimeout': values['mesh.idleTimeout'],
    'httpd.compressionLevel': values['httpd.compressionLevel'],
    'mesh.loadBalancer': values['mesh.loadBalancer'],
    'mesh.nodeWeighting': values['mesh.nodeWeighting'],
  });
}

/** Only what was turned changes anything. A knob that leads none but itself has its name in both spaces. */
function stackValues(
  values: TuningValues,
  start: TuningValues,
  now: StackValues,
  resources: NodeResources,
): StackValues {
  const moved = turned(values, start);
  const {
    places,
    'httpd.unlimitedKeepAlive': unlimited,
    'httpd.keepAlive': keepAlive,
    ...same
  } = values;
  const idleMoved = moved.includes('mesh.idleTimeout');
  const keptLonger = values['mesh.idleTimeout'] + IDLE_MARGIN_MS;
  return {
    ...now,
    ...same,
    ...(moved.includes('places') && poolsFor(places, now, resources)),
    ...(moved.includes('httpd.unlimitedKeepAlive') && {
      'httpd.maxKeepAliveRequests': unlimited ? 0 : now['httpd.maxKeepAliveRequests'],
    }),
    'httpd.keepAlive': keepAlive,
    // A configuration without keep-alive may hold a time that never had to fit.
    ...((idleMoved || (moved.includes('httpd.keepAlive') && keepAlive)) && {
      'httpd.keepAliveTimeout': idleMoved
        ? keptLonger
        : Math.max(now['httpd.keepAliveTimeout'], keptLonger),
    }),
  };
}
