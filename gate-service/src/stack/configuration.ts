/** A full, validated assignment of all knobs. The only way to one is the validator (invariant 7). */
import { createHash } from 'node:crypto';
import { createKnobSpace } from '../optimizer/space/knob-space.ts';
import type { KnobSpace, Violation } from '../optimizer/space/knob-space.ts';
import { withFormerValues, withoutFormerValues } from './added-knobs.ts';
import { STACK_KNOBS } from './knobs.ts';
import type { StackValues } from './knobs.ts';
import { STACK_RULES } from './rules.ts';
import type { NodeResources } from './resources.ts';

export type { StackValues } from './knobs.ts';
export type { NodeResources } from './resources.ts';
export type { Violation } from '../optimizer/space/knob-space.ts';

declare const validated: unique symbol;

export interface StackConfiguration {
  readonly values: StackValues;
  /** SHA-256 over the canonical JSON of `values` without later knobs at their former value, lower-case hex. */
  readonly hash: string;
  /** Type-level mark of the validator; there is no such field at run time. */
  readonly [validated]: true;
}

export type StackConfigurationResult =
  | { readonly ok: true; readonly configuration: StackConfiguration }
  | { readonly ok: false; readonly violations: readonly Violation[] };

/** This stack's knobs with the cross-layer rules, as the space that tuners search. */
export const STACK_SPACE: KnobSpace<typeof STACK_KNOBS, NodeResources> = createKnobSpace({
  knobs: STACK_KNOBS,
  constraints: STACK_RULES,
});

/**
 * Validates the values of all knobs for a node with these resources. Any input is answered, and
 * all that is wrong is reported at once: first single values (`missing-knob`, `unknown-knob`,
 * `illegal-value`), and when those are right, every broken cross-layer rule by its name. A
 * configuration stored before a knob existed has what was in force then (`added-knobs.ts`).
 */
export function createStackConfiguration(
  values: unknown,
  resources: NodeResources,
): StackConfigurationResult {
  const checked = STACK_SPACE.check(withFormerValues(values), resources);
  if (!checked.ok) return checked;
  const configuration = Object.freeze({
    values: checked.values,
    hash: hashOf(checked.values),
  }) as StackConfiguration;
  return { ok: true, configuration };
}

/** Thrown by {@link requireStackConfiguration}; `violations` has all that is wrong. */
export class InvalidConfigurationError extends Error {
  readonly violations: readonly Violation[];
  constructor(violations: readonly Violation[]) {
    const list = violations.map(({ rule, message }) => `${rule}: ${message}`).join(' ');
    super(`The stack configuration breaks ${violations.length} rule(s). ${list}`);
    this.name = 'InvalidConfigurationError';
    this.violations = violations;
  }
}

/** Like {@link createStackConfiguration}, for callers that cannot go on without one. Throws {@link InvalidConfigurationError}. */
export function requireStackConfiguration(
  values: unknown,
  resources: NodeResources,
): StackConfiguration {
  const result = createStackConfiguration(values, resources);
  if (!result.ok) throw new InvalidConfigurationError(result.violations);
  return result.configuration;
}

/** Canonical JSON: keys sorted by code unit, no white space. All values are flat. */
function hashOf(values: StackValues): string {
  const sorted = Object.fromEntries(
    Object.entries(withoutFormerValues(values)).sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
