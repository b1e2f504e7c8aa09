/** Identity of a knob space, so that experience is never read into other knobs. */
import { createHash } from 'node:crypto';
import type { Knobs } from './space/knob-space.ts';

/**
 * SHA-256 over names, kinds, ranges, scales, categories and deactivations, in the space's order
 * made alphabetical. Descriptions, units and constraints are left out: wording changes nothing, and
 * constraints depend on what surrounds a session. A range that was widened counts as declared.
 */
export function hashOfSpace(knobs: Knobs): string {
  const facts = Object.entries(knobs)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, knob]) => {
      const by = knob.deactivatedBy;
      const range =
        'scale' in knob
          ? [knob.scale, ...endsOf(knob.declared ?? knob)]
          : 'categories' in knob
            ? knob.categories
            : [];
      return [name, knob.kind, range, by === undefined ? [] : [by.knob, by.value]];
    });
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

function endsOf(range: { readonly minimum: number; readonly maximum: number }): [number, number] {
  return [range.minimum, range.maximum];
}
