/** A space of knobs with the constraints between them, and its map to the unit cube that tuners work in. */
import { describeIllegalValue } from './knob.ts';
import type { Knob, KnobValue, ValueOf } from './knob.ts';

export type Knobs = Readonly<Record<string, Knob>>;

/** Values of all knobs of a space. */
export type ValuesOf<K extends Knobs> = { readonly [N in keyof K]: ValueOf<K[N]> };

/** A named relation between knobs, and what surrounds them (`C`: memory, cores, …). */
export interface Constraint<V, C> {
  /** Stable name that logs, problems and the dashboard show. */
  readonly name: string;
  readonly holds: (values: V, context: C) => boolean;
  /** What is wrong and what to do, with the numbers; asked only when it does not hold. */
  readonly message: (values: V, context: C) => string;
}

export interface Violation {
  readonly rule: string;
  readonly message: string;
}

export type CheckedValues<V> =
  | { readonly ok: true; readonly values: V }
  | { readonly ok: false; readonly violations: readonly Violation[] };

export interface KnobSpace<K extends Knobs, C> {
  readonly knobs: K;
  readonly names: readonly (keyof K & string)[];
  readonly constraints: readonly Constraint<ValuesOf<K>, C>[];
  /**
   * Everything that is wrong at once. Constraints are judged only when every single value is
   * legal, because a relation between illegal values says nothing. The values handed back are a
   * frozen copy in the space's own order.
   */
  check(values: unknown, context: C): CheckedValues<ValuesOf<K>>;
  /** Whether the knob has an effect among these values. */
  isActive(name: keyof K & string, values: ValuesOf<K>): boolean;
}

/** Makes a space. Throws a RangeError when a deactivation names an unknown knob or an impossible value. */
export function createKnobSpace<const K extends Knobs, C>(definition: {
  readonly knobs: K;
  readonly constraints: readonly Constraint<ValuesOf<K>, C>[];
}): KnobSpace<K, C> {
  const knobs = Object.freeze({ ...definition.knobs });
  const names = Object.freeze(Object.keys(knobs));
  const constraints = Object.freeze([...definition.constraints]);
  checkDeactivations(knobs);
  checkNames(constraints.map((constraint) => constraint.name));

  return Object.freeze({
    knobs,
    names,
    constraints,
    check(values: unknown, context: C): CheckedValues<ValuesOf<K>> {
      const single = checkSingleValues(knobs, values);
      if (!single.ok) return single;
      const checked = single.values as ValuesOf<K>;
      const violations = constraints
        .filter((constraint) => !constraint.holds(checked, context))
        .map((constraint) => ({
          rule: constraint.name,
          message: constraint.message(checked, context),
        }));
      return violations.length === 0 ? { ok: true, values: checked } : { ok: false, violations };
    },
    isActive(name: keyof K & string, values: ValuesOf<K>): boolean {
      const { deactivatedBy } = knobs[name];
      return deactivatedBy === undefined || values[deactivatedBy.knob] !== deactivatedBy.value;
    },
  });
}

function checkSingleValues(
  knobs: Knobs,
  values: unknown,
): CheckedValues<Readonly<Record<string, KnobValue>>> {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    const rule = 'not-an-object';
    return {
      ok: false,
      violations: [{ rule, message: 'The values of the knobs must be an object, name by name.' }],
    };
  }
  const given = values as Readonly<Record<string, unknown>>;
  const violations: Violation[] = [];
  const copy: Record<string, KnobValue> = {};
  for (const [name, knob] of Object.entries(knobs)) {
    if (!Object.hasOwn(given, name)) {
      violations.push({
        rule: 'missing-knob',
        message: `${name} is missing; every knob needs a value.`,
      });
      continue;
    }
    const value = given[name];
    const illegal = describeIllegalValue(knob, value);
    if (illegal === undefined) copy[name] = value as KnobValue;
    else violations.push({ rule: 'illegal-value', message: `${name} ${illegal}.` });
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(knobs, name)) {
      violations.push({
        rule: 'unknown-knob',
        message: `${name} is no knob of this stack; remove it.`,
      });
    }
  }
  return violations.length === 0
    ? { ok: true, values: Object.freeze(copy) }
    : { ok: false, violations };
}

function checkDeactivations(knobs: Knobs): void {
  for (const [name, knob] of Object.entries(knobs)) {
    const by = knob.deactivatedBy;
    if (by === undefined) continue;
    const other = knobs[by.knob];
    if (other === undefined || by.knob === name) {
      throw new RangeError(
        `${name} is deactivated by ${by.knob}, which is no other knob of the space.`,
      );
    }
    const illegal = describeIllegalValue(other, by.value);
    if (illegal !== undefined) {
      throw new RangeError(`${name} is deactivated by an impossible value: ${by.knob} ${illegal}.`);
    }
  }
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`Two constraints are named ${twice}.`);
}
