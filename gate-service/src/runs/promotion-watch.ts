/** Watching a promotion: each weight against the current nodes at the same time, the hold on absolute sanity. */
import type { ArmTraffic, Telemetry } from '../telemetry/telemetry.ts';
import type { Clock } from './clock.ts';
import type { StepFinding, StepJudge } from './ports.ts';
import type { World } from './world.ts';

export const promotionWeights = [1, 5, 25, 50, 100] as const;

/** A step is looked at four times, a long one every five seconds: a breach must not wait for its end. */
const POLLS = 4;
const MAX_POLL_MS = 5_000;
/** The first scrape after a change of weights may be on its way; later a missing one is a lost one. Unless the telemetry says more. */
const SCRAPE_GRACE_MS = 3_000;
/** A hold is broken by at least this many failures … */
const HOLD_MINIMUM_FAILURES = 5;
/** … that are more than this share, and more than three times what the old nodes had. */
const HOLD_FAILURE_SHARE = 0.02;

export interface WatchContext {
  readonly service: string;
  readonly canaryArmId: string;
  readonly currentArmId: string;
  readonly telemetry: Telemetry;
  readonly judge: StepJudge;
  readonly world: World;
  readonly clock: Clock;
  readonly minimumRequests: number;
}

/**
 * Compares canary and current over one step; returns at once on a breach or a lost scrape.
 * @param expectedPerSecond requests per second that the canary's weight should bring
 */
export async function watchStep(
  context: WatchContext,
  seconds: number,
  expectedPerSecond: number,
  signal: AbortSignal,
): Promise<StepFinding> {
  // Every look may send traffic back, so all of them share the error probability.
  const watched = watchedSeconds(context, seconds);
  const steps = (promotionWeights.length - 1) * Math.ceil((watched * 1000) / pollMs(watched));
  const { minimumRequests } = context;
  return poll(context, seconds, signal, (canary, current, elapsedSeconds) =>
    context.judge.compare(canary, current, {
      steps,
      minimumRequests,
      expectedRequests: expectedPerSecond * elapsedSeconds,
    }),
  );
}

/** Watches 100 %: data must be there, nodes healthy in the proxy, failures not out of all proportion. */
export async function watchHold(
  context: WatchContext,
  seconds: number,
  currentFailureShare: number,
  signal: AbortSignal,
): Promise<StepFinding> {
  return poll(context, seconds, signal, async (canary) => {
    const finding = sanity(canary, currentFailureShare);
    if (finding.outcome !== 'held') return finding;
    const arm = (await context.world.observe(context.service, 'production')).find(
      (observation) => observation.arm.id === context.canaryArmId,
    );
    return arm?.nodes.some((node) => node.healthyInProxy) === true
      ? finding
      : { outcome: 'breached', sentence: 'no new node is healthy in the proxy' };
  });
}

/** Sanity of an arm that carries everything; coarse on purpose, as nothing runs beside it to compare with. */
export function sanity(canary: ArmTraffic | undefined, currentFailureShare: number): StepFinding {
  if (canary === undefined)
    return { outcome: 'no-data', sentence: 'the scrape of the new nodes is lost' };
  if (canary.requests === 0)
    return { outcome: 'held', sentence: 'no request came: nothing to object to' };
  const share = canary.failures / canary.requests;
  const limit = Math.max(HOLD_FAILURE_SHARE, 3 * currentFailureShare);
  const counted = `${canary.failures} of ${canary.requests} requests failed`;
  return canary.failures >= HOLD_MINIMUM_FAILURES && share > limit
    ? { outcome: 'breached', sentence: `${counted}, more than ${(limit * 100).toFixed(1)} %` }
    : { outcome: 'held', sentence: counted };
}

type Find = (
  canary: ArmTraffic | undefined,
  current: ArmTraffic | undefined,
  elapsedSeconds: number,
) => StepFinding | Promise<StepFinding>;

async function poll(
  context: WatchContext,
  wantedSeconds: number,
  signal: AbortSignal,
  find: Find,
): Promise<StepFinding> {
  const { clock } = context;
  const seconds = watchedSeconds(context, wantedSeconds);
  const fromMs = clock.now();
  const endMs = fromMs + seconds * 1000;
  for (;;) {
    await clock.sleep(Math.min(pollMs(seconds), endMs - clock.now()), signal);
    const toMs = clock.now();
    const last = toMs >= endMs;
    const finding = await readAndFind(context, { fromMs, toMs }, find);
    const early = !last && toMs - fromMs < settleMs(context);
    const ends =
      finding.outcome === 'breached' || (finding.outcome === 'no-data' && !early) || last;
    if (ends) return finding;
  }
}

/** No step ends before its metrics can be there. */
function watchedSeconds(context: WatchContext, seconds: number): number {
  return Math.max(seconds, settleMs(context) / 1000);
}

/** Milliseconds that metrics may take to come. */
export function settleMs({ telemetry }: WatchContext): number {
  return telemetry.settleMs ?? SCRAPE_GRACE_MS;
}

function pollMs(seconds: number): number {
  return Math.max(1, Math.min((seconds * 1000) / POLLS, MAX_POLL_MS));
}

async function readAndFind(
  context: WatchContext,
  span: { readonly fromMs: number; readonly toMs: number },
  find: Find,
): Promise<StepFinding> {
  const { canaryArmId, currentArmId } = context;
  let traffic: ReadonlyMap<string, ArmTraffic | undefined>;
  try {
    traffic = await context.telemetry.armTraffic(
      context.service,
      [canaryArmId, currentArmId],
      span,
    );
  } catch (error) {
    // A Prometheus that does not answer is a lost scrape, whatever the reason.
    const why = error instanceof Error ? error.message : String(error);
    return { outcome: 'no-data', sentence: `production's metrics cannot be read: ${why}` };
  }
  const elapsedSeconds = (span.toMs - span.fromMs) / 1000;
  return find(traffic.get(canaryArmId), traffic.get(currentArmId), elapsedSeconds);
}
