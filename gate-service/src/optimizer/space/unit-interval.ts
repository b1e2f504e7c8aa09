/** A knob's values on [0, 1] and back: the scale-free form that tuners search in. */
import type { Knob, KnobValue } from './knob.ts';

/** Position of a legal value on [0, 1], along the knob's scale. Categories and off/on are spread evenly. */
export function toUnitInterval(knob: Knob, value: KnobValue): number {
  switch (knob.kind) {
    case 'boolean':
      return value === true ? 1 : 0;
    case 'categorical':
      return knob.categories.indexOf(String(value)) / (knob.categories.length - 1);
    case 'integer':
    case 'real': {
      const [low, high] = ends(knob);
      return (onScale(knob, Number(value)) - low) / (high - low);
    }
  }
}

/** The legal value nearest to a position; positions outside [0, 1] count as the nearer end. */
export function fromUnitInterval(knob: Knob, position: number): KnobValue {
  const place = Math.min(1, Math.max(0, position));
  switch (knob.kind) {
    case 'boolean':
      return place >= 0.5;
    case 'categorical':
      return knob.categories[Math.round(place * (knob.categories.length - 1))] ?? '';
    case 'integer':
    case 'real': {
      const [low, high] = ends(knob);
      const scaled = low + place * (high - low);
      const value = knob.scale === 'log' ? Math.exp(scaled) : scaled;
      const rounded = knob.kind === 'integer' ? Math.round(value) : value;
      return Math.min(knob.maximum, Math.max(knob.minimum, rounded));
    }
  }
}

type RangeKnob = Extract<Knob, { readonly minimum: number }>;

function ends(knob: RangeKnob): [number, number] {
  return [onScale(knob, knob.minimum), onScale(knob, knob.maximum)];
}

function onScale(knob: RangeKnob, value: number): number {
  return knob.scale === 'log' ? Math.log(value) : value;
}
