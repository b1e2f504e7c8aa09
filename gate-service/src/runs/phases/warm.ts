/** Fresh staging nodes get a few safe requests first: cold ones fall behind, and the backlog would be measured. */
import { isSafe } from '../../load/workload.ts';
import type { Arm } from '../../platforms/platform.ts';
import { asError } from '../clock.ts';
import type { RunContext } from '../run-context.ts';

/** Enough to load what a request needs; getting fast is what the measurement's own warm-up is for. */
const REQUESTS_PER_NODE = 100;
const MOST_MS = 10_000;

/**
 * Warms all arms at once, each node with as many requests, for 10 s at most. Whether they are answered well
 * is not decided here: the measurement sees it. Nothing is sent when the workload only changes things.
 */
export async function warmArms(context: RunContext, arms: readonly Arm[]): Promise<void> {
  const { deps, run, service, signal } = context;
  const { workload } = run.settings;
  if (!workload.requests.some(isSafe)) return;
  const from = deps.clock.now();
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)]);
  const target = { service, workload, requestsPerNode: REQUESTS_PER_NODE };
  try {
    const warmed = await Promise.all(arms.map((arm) => deps.warmer.warm(arm, target, bounded)));
    const sent = warmed.reduce((sum, one) => sum + one.sent, 0);
    const failed = warmed.reduce((sum, one) => sum + one.failed, 0);
    const seconds = (deps.clock.now() - from) / 1000;
    await context.tell(
      'progress',
      `staging nodes have had ${sent} requests${failed === 0 ? '' : `, ${failed} failed`} in ${seconds.toFixed(1)} s`,
      { sent, failed, seconds },
    );
  } catch (error) {
    signal.throwIfAborted();
    await context.tell('problem', `staging nodes could not be warmed: ${asError(error).message}`);
  }
}
