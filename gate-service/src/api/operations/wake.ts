/** A request may ask to wake a job; which jobs there are is in the webhooks file (docs/webhooks.md). */
import type { RunRequest } from '../../runs/run.ts';
import { ProblemError } from '../problems/problem.ts';

export type Wake = NonNullable<RunRequest['wake']>;
/** What is wrong with a wake, for a person; undefined when it can be done. */
export type WakeProblem = (wake: Wake) => string | undefined;

const noneConfigured: WakeProblem = () =>
  'this service wakes nobody: it has no webhooks file (SPEED_GATE_WEBHOOKS_FILE)';

/** A job that waits for a wake-up which cannot come should hear of it now. @throws ProblemError 422 */
export function requireWake(
  { wake }: Pick<RunRequest, 'wake'>,
  problem: WakeProblem = noneConfigured,
): void {
  const detail = wake === undefined ? undefined : problem(wake);
  if (detail === undefined) return;
  throw new ProblemError(422, 'unknown-wake', detail, [{ pointer: '/wake/endpoint', detail }]);
}
