/** A knob space whose constraints are bound to what surrounds them: all that a tuner needs to know of a stack. */
import type { KnobValue } from './knob.ts';
import type { CheckedValues, Knobs, KnobSpace } from './knob-space.ts';

/** Values of all knobs, by name. */
export type Values = Readonly<Record<string, KnobValue>>;

export interface BoundSpace {
  readonly knobs: Knobs;
  readonly names: readonly string[];
  /** Everything that is wrong at once; the values handed back are a frozen copy. */
  check(values: unknown): CheckedValues<Values>;
  /** Whether the knob has an effect among these values. */
  isActive(name: string, values: Values): boolean;
}

/** Expert knowledge as a starting point: what someone who knows the system would set. */
export interface Prior {
  readonly values: Values;
  /** 0–1 per knob name: how sure the expert is of its value. Absent = 0.5. */
  readonly confidence?: Readonly<Record<string, number>>;
  /** One sentence for a person. */
  readonly reason: string;
}

/** Binds a space to the surroundings (memory, cores, …) that its constraints are judged in. */
export function bindSpace<K extends Knobs, C>(space: KnobSpace<K, C>, context: C): BoundSpace {
  return Object.freeze({
    knobs: space.knobs,
    names: space.names,
    check: (values: unknown): CheckedValues<Values> => space.check(values, context),
    isActive: (name: string, values: Values): boolean =>
      space.isActive(name, values as Parameters<typeof space.isActive>[1]),
  });
}
