/** How to get from one stack configuration to another: the cheapest ways, in an order that breaks no rule. */
import { costToApply, dearer, layerOf } from './cost.ts';
import type { ApplyCost } from './cost.ts';
import { couplingsHold } from './couplings.ts';
import type { StackConfiguration } from './configuration.ts';
import { KNOB_NAMES } from './knobs.ts';
import type { KnobName, StackValues } from './knobs.ts';

/** Ways to put a configuration in force, cheapest first; `none` when nothing differs. */
export type SwapWay = 'none' | ApplyCost;

/** Who carries a step out: the platform (`mesh`, and `node` when the node is replaced) or the node's agent. */
export type SwapStepTarget = 'mesh' | 'jetty' | 'httpd' | 'node';

export interface SwapStep {
  readonly way: ApplyCost;
  readonly target: SwapStepTarget;
  /** The knobs that take their new values in this step. */
  readonly knobs: readonly KnobName[];
}

export interface SwapPlan {
  /** The dearest step's way. */
  readonly way: SwapWay;
  /** All knobs that differ. */
  readonly knobs: readonly KnobName[];
  /**
   * In this order every state in between obeys the rules across layers. Steps of one node
   * (`jetty`, `httpd`) stand together: the agent takes them in one call.
   */
  readonly steps: readonly SwapStep[];
}

/** Knobs of the mesh that belong together, so that rules among them hold: its idle time, and the rest. */
const MESH_IDLE: KnobName = 'mesh.idleTimeout';

/**
 * Plans the swap. The highest cost of a layer's changed knobs decides that layer's way: Jetty is
 * changed live or by a new Jetty (`route`), httpd by a graceful restart; a knob that needs a fresh
 * parent, or changes whose every order would break a rule on the way, replace the whole node.
 * What the mesh takes goes before or after the node, whichever keeps the rules.
 */
export function planSwap(from: StackConfiguration, to: StackConfiguration): SwapPlan {
  const knobs = KNOB_NAMES.filter((name) => from.values[name] !== to.values[name]);
  if (knobs.length === 0) return { way: 'none', knobs, steps: [] };

  const of = (layer: ReturnType<typeof layerOf>): readonly KnobName[] =>
    knobs.filter((name) => layerOf(name) === layer);
  const step = (target: SwapStepTarget, changed: readonly KnobName[]): SwapStep => ({
    way: changed
      .map((name) => costToApply(name, from.values, to.values))
      .reduce<ApplyCost>(dearer, 'live'),
    target,
    knobs: changed,
  });

  const jetty = step('jetty', of('jetty'));
  const httpd = step('httpd', of('httpd'));
  const replaced: SwapStep = {
    way: 'replace',
    target: 'node',
    knobs: [...jetty.knobs, ...httpd.knobs],
  };
  const inPlace =
    httpd.way === 'replace'
      ? []
      : [
          [jetty, httpd],
          [httpd, jetty],
        ];
  const idle = of('mesh').filter((name) => name === MESH_IDLE);
  const rest = of('mesh').filter((name) => name !== MESH_IDLE);
  const meshOrders = [
    [[...rest, ...idle], []],
    [[], [...rest, ...idle]],
    [rest, idle],
    [idle, rest],
  ] as const;

  for (const node of [...inPlace, [replaced]]) {
    for (const [before, after] of meshOrders) {
      const steps = [step('mesh', before), ...node, step('mesh', after)].filter(
        (candidate) => candidate.knobs.length > 0,
      );
      if (isLegal(steps, from.values, to.values)) return planOf(knobs, steps);
    }
  }
  // Two nodes that need different meshes: the new node comes with a subset, and so a policy, of its own.
  return planOf(knobs, [{ way: 'replace', target: 'node', knobs }]);
}

function planOf(knobs: readonly KnobName[], steps: readonly SwapStep[]): SwapPlan {
  const way = steps.map((one) => one.way).reduce<ApplyCost>(dearer, 'live');
  return { way, knobs, steps };
}

/** Whether every state between the steps keeps what `from` and `to` both keep. */
function isLegal(steps: readonly SwapStep[], from: StackValues, to: StackValues): boolean {
  let state = from;
  for (const { knobs } of steps) {
    state = { ...state, ...pick(to, knobs) };
    if (!couplingsHold(state, from, to)) return false;
  }
  return true;
}

function pick(values: StackValues, names: readonly KnobName[]): Partial<StackValues> {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}
