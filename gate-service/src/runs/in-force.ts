/** What is in force: compared, and in words. */
import { describe } from './production.ts';
import type { BuildAndConfiguration } from './records.ts';

/** Why a comparison with an earlier production decides nothing. */
export function supersededWords(inForce: BuildAndConfiguration | undefined): string {
  return `production changed meanwhile (now ${inForce === undefined ? 'nothing' : describe(inForce)}): the comparison says nothing about it; push again`;
}

/** Where production is after a promotion that did not complete, in words. */
export function broughtBack(inForce: BuildAndConfiguration | undefined): string {
  return inForce === undefined
    ? 'nothing was in production before, and nothing is now'
    : `production is all on ${describe(inForce)}`;
}

/** Whether both are the same build on the same configuration, or both are nothing. */
export function isSame(
  one: BuildAndConfiguration | undefined,
  other: BuildAndConfiguration | undefined,
): boolean {
  return one?.build === other?.build && one?.configurationHash === other?.configurationHash;
}
