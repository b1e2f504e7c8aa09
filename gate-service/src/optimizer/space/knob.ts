/**
 * Knobs: what a tuner may turn. Generic and without any word of a particular stack. A knob checks
 * its own definition when it is made, is frozen, and says in words what is wrong with a value.
 */

export type KnobValue = number | boolean | string;

/** Where equal steps are equally interesting: sizes are mostly `log`. */
export type Scale = 'linear' | 'log';

/** The knob has no effect while another knob has this value. It keeps its own value all the same. */
export interface Deactivation {
  readonly knob: string;
  readonly value: KnobValue;
}

interface KnobCommon {
  /** One line for a person. */
  readonly description: string;
  readonly deactivatedBy?: Deactivation;
}

interface RangeCommon extends KnobCommon {
  /** Unit of the value as a person writes it: `ms`, `s`, `%`, `threads`, … */
  readonly unit: string;
  readonly scale: Scale;
  /** Smallest legal value. */
  readonly minimum: number;
  /** Largest legal value. */
  readonly maximum: number;
  /**
   * The usual range, where this one was widened to what is in force: the knob is still the same one,
   * and what was learnt of it in the usual range holds.
   */
  readonly declared?: { readonly minimum: number; readonly maximum: number };
}

export interface IntegerKnob extends RangeCommon {
  readonly kind: 'integer';
}
export interface RealKnob extends RangeCommon {
  readonly kind: 'real';
}
export interface BooleanKnob extends KnobCommon {
  readonly kind: 'boolean';
}
export interface CategoricalKnob<C extends string = string> extends KnobCommon {
  readonly kind: 'categorical';
  readonly categories: readonly C[];
}

export type Knob = IntegerKnob | RealKnob | BooleanKnob | CategoricalKnob;

/** The type of a knob's values. */
export type ValueOf<K extends Knob> = K extends { readonly kind: 'boolean' }
  ? boolean
  : K extends CategoricalKnob<infer C>
    ? C
    : number;

/** A whole-number knob. Throws a RangeError when the range or the scale makes no sense. */
export function integerKnob(definition: Omit<IntegerKnob, 'kind'>): IntegerKnob {
  checkRange(definition);
  if (!Number.isSafeInteger(definition.minimum) || !Number.isSafeInteger(definition.maximum)) {
    throw new RangeError(
      `The range of an integer knob needs whole numbers, got ${rangeOf(definition)}.`,
    );
  }
  return Object.freeze({ kind: 'integer', ...definition });
}

/** A real-number knob. Throws a RangeError when the range or the scale makes no sense. */
export function realKnob(definition: Omit<RealKnob, 'kind'>): RealKnob {
  checkRange(definition);
  return Object.freeze({ kind: 'real', ...definition });
}

/** A knob that is on or off. */
export function booleanKnob(definition: Omit<BooleanKnob, 'kind'>): BooleanKnob {
  return Object.freeze({ kind: 'boolean', ...definition });
}

/** A knob with one of at least two distinct words. Throws a RangeError otherwise. */
export function categoricalKnob<const C extends string>(
  definition: Omit<CategoricalKnob<C>, 'kind'>,
): CategoricalKnob<C> {
  const { categories } = definition;
  if (categories.length < 2 || new Set(categories).size !== categories.length) {
    throw new RangeError(
      `A categorical knob needs at least two distinct categories, got [${categories.join(', ')}].`,
    );
  }
  return Object.freeze({
    kind: 'categorical',
    ...definition,
    categories: Object.freeze([...categories]),
  });
}

/** What is wrong with this value for this knob, or `undefined` when it is legal. Any input is answered. */
export function describeIllegalValue(knob: Knob, value: unknown): string | undefined {
  switch (knob.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `must be true or false, got ${show(value)}`;
    case 'categorical':
      return typeof value === 'string' && knob.categories.includes(value)
        ? undefined
        : `must be one of ${knob.categories.join(', ')}, got ${show(value)}`;
    case 'integer':
    case 'real': {
      const right =
        typeof value === 'number' &&
        (knob.kind === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
        value >= knob.minimum &&
        value <= knob.maximum;
      if (right) return undefined;
      const noun = knob.kind === 'integer' ? 'a whole number' : 'a number';
      const unit = knob.unit === '' ? '' : ` ${knob.unit}`;
      return `must be ${noun} within ${rangeOf(knob)}${unit}, got ${show(value)}`;
    }
  }
}

function checkRange(definition: Omit<RangeCommon, 'kind'>): void {
  const { minimum, maximum, scale } = definition;
  if (!Number.isFinite(minimum) || !Number.isFinite(maximum) || minimum >= maximum) {
    throw new RangeError(
      `The range of a knob must be finite and not empty, got ${rangeOf(definition)}.`,
    );
  }
  if (scale === 'log' && minimum <= 0) {
    throw new RangeError(
      `A logarithmic scale needs a minimum above 0, got ${rangeOf(definition)}.`,
    );
  }
}

function rangeOf(range: { readonly minimum: number; readonly maximum: number }): string {
  return `${range.minimum}..${range.maximum}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  try {
    // JSON has no text for functions and symbols.
    const text = JSON.stringify(value) as string | undefined;
    return (text ?? typeof value).slice(0, 80);
  } catch {
    return typeof value;
  }
}
