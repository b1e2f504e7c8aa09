/** Rule 11: how far one step of the controller in production may go. */
import type { Violation } from '../optimizer/space/knob-space.ts';
import type { StackConfiguration } from './configuration.ts';
import type { KnobName } from './knobs.ts';

/** Knobs that size a pool. */
export const POOL_SIZES = [
  'httpd.maxRequestWorkers',
  'proxy.max',
  'jetty.maxThreads',
  'mesh.maxConnections',
  'mesh.maxPendingRequests',
] as const satisfies readonly KnobName[];

/** Largest factor by which a pool may grow or shrink in one step. */
export const MAX_STEP_FACTOR = 2;

/**
 * Pools that would move too far. For the controller in production only: a promotion brings new
 * nodes with a configuration already measured in staging and is exempt. Empty when the step is legal.
 */
export function checkStep(from: StackConfiguration, to: StackConfiguration): readonly Violation[] {
  return POOL_SIZES.flatMap((name) => {
    const [before, after] = [from.values[name], to.values[name]];
    const factor = Math.max(before, after) / Math.min(before, after);
    if (factor <= MAX_STEP_FACTOR) return [];
    const message =
      `${name} would move from ${before} to ${after}, more than a factor of ${MAX_STEP_FACTOR} in one step; ` +
      `go by way of ${before < after ? before * MAX_STEP_FACTOR : Math.ceil(before / MAX_STEP_FACTOR)}.`;
    return [{ rule: 'step-within-factor-two', message }];
  });
}
