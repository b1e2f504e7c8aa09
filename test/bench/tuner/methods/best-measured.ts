/** What users of samplers deploy: the best measured configuration that broke nothing. */
import type { Values } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import type { Told } from './method.ts';

export interface BestMeasured {
  add(values: Values, told: Told): void;
  values(): Values;
}

/** @param start what is deployed as long as nothing safe was measured */
export function bestMeasured(start: Values): BestMeasured {
  let best = { value: Infinity, values: start };
  return {
    add(values, told) {
      if (told.kind === 'rejected' || told.measured.unsafe) return;
      if (told.measured.value < best.value) best = { value: told.measured.value, values };
    },
    values: () => best.values,
  };
}
