/**
 * Group-sequential levels: how small a one-sided p must be at each look so that looking several
 * times errs no more often than promised. Power-2 spending (Kim & DeMets 1987), by simulation of the
 * t statistics of location.ts (normal theory is too generous to them); "significance level approach"
 * (Jennison & Turnbull 2000, §4.4).
 *
 * The table assumes looks at the counts of lookSchedule(). It stays on the safe side where
 * - the last look comes before all planned windows count: it is taken in place of later ones, at the
 *   level of the very last one;
 * - effects of successive looks hang together more than sums of independent windows do, as those of
 *   launch means (Slepian's inequality: fewer paths cross).
 */
import { calibrationTable } from './calibration-table.ts';
import { lookSchedule } from './look-schedule.ts';

/** Chance over all looks that an effect at its limit is called smaller. */
export const PASS_ERROR = 0.05;
/** Chance over all looks that an effect is called without one. */
export const BREACH_ERROR = 0.025;

export interface SequentialLevels {
  readonly pass: number;
  readonly breach: number;
}

const byPlanned = new Map(calibrationTable.map(([planned, ...levels]) => [planned, levels]));
const most = Math.max(...byPlanned.keys());

/**
 * Levels of a look.
 * @param counted windows that count at this look; between two looks of the schedule it takes the
 *   level of the earlier one
 * @param planned beyond the table's end the levels of its last row hold: a little too strict
 * @param final nothing more will come: all error that is left is spent
 */
export function calibratedLevels(
  counted: number,
  planned: number,
  final: boolean,
): SequentialLevels {
  const row = byPlanned.get(Math.min(planned, most));
  // Fewer windows than the least that decide anything: no look, and nothing to spend on.
  if (row === undefined) return { pass: PASS_ERROR, breach: BREACH_ERROR };
  const [pass, breach] = row;
  const looks = lookSchedule(planned);
  const due = final ? looks.length : Math.max(1, looks.filter((look) => look <= counted).length);
  // With nine looks in every plan of 18 windows and more the rows differ in length only below.
  const index = Math.min(due, pass.length) - 1;
  return { pass: pass[index] ?? NaN, breach: breach[index] ?? NaN };
}
