/** The expert table's advice in words, for a person. */
import type { ExpertAdvice } from './expert-table.ts';
import { NOT_TUNED } from './tuning-knobs.ts';

/** A sentence for each knob that the table would change and no tuner turns: somebody has to decide on it. */
export function adviceWords(advice: readonly ExpertAdvice[]): readonly string[] {
  return advice.flatMap(({ advised, applied, confidence, formula, inForce, knob }) => {
    const why = NOT_TUNED[knob];
    if (applied || why === undefined) return [];
    const sure = `${Math.round(confidence * 100)} % sure`;
    return [
      `Expert rule: ${knob} ${String(advised)} instead of ${String(inForce)} (${formula}; ${sure}). Not tuned, because ${why}.`,
    ];
  });
}
