/** Weights 1 → 5 → 25 → 50 → 100 and the hold: the part of a promotion that moves traffic. */
import type { CatalogueService } from '../settings/catalogue.ts';
import type { Clock } from './clock.ts';
import { isoNow } from './clock.ts';
import type { PromotionStep } from './records.ts';
import type { StepFinding } from './ports.ts';
import { promotionWeights, watchHold, watchStep, type WatchContext } from './promotion-watch.ts';
import { awaitedTraffic, recentTraffic } from './recent-traffic.ts';
import type { Owner } from './world.ts';

/** Traffic has to go back: a proven breach, or no data to tell. */
export class PromotionReturned extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PromotionReturned';
  }
}

export interface StepListener {
  /** Before a weight is put in force. */
  raising(weight: number): Promise<void>;
  ended(step: PromotionStep): Promise<void>;
}

/**
 * Moves traffic to the canary step by step. Returns when 100 % has been held.
 * @throws PromotionReturned on a breach or lost data, the weights still as they were when it was seen
 */
export async function raiseWeights(
  context: WatchContext,
  settings: CatalogueService['promotion'],
  owner: Owner,
  listener: StepListener,
  signal: AbortSignal,
): Promise<void> {
  const { holdSeconds, stepSeconds } = settings;
  let failureShare = 0;
  let carriesTraffic = false;
  for (const weight of promotionWeights) {
    signal.throwIfAborted();
    const recent = carriesTraffic
      ? await recentTraffic(context, stepSeconds)
      : await awaitedTraffic(context, stepSeconds, signal);
    if (recent === undefined) {
      const sentence = `before ${weight} %: production's traffic cannot be read from the proxy's metrics`;
      await listener.ended(step(context.clock, weight, 'no-data', sentence));
      throw new PromotionReturned(sentence);
    }
    failureShare = weight === 100 ? failureShare : recent.failureShare;
    const expectedPerSecond = (recent.requestsPerSecond * weight) / 100;
    const expected = expectedPerSecond * stepSeconds;
    if (weight < 100 && expected < settings.minimumRequests) {
      const sentence = `${weight} % skipped: about ${Math.floor(expected)} requests in ${stepSeconds} s would be too few to tell anything (at least ${settings.minimumRequests})`;
      await listener.ended(step(context.clock, weight, 'skipped', sentence));
      continue;
    }
    await listener.raising(weight);
    carriesTraffic = true;
    await context.world.routeProduction(routing(context, weight), owner, signal);
    const finding =
      weight < 100
        ? await watchStep(context, stepSeconds, expectedPerSecond, signal)
        : await watchHold(context, holdSeconds, failureShare, signal);
    const outcome = stepOutcome(finding);
    const sentence = `${weight} %: ${finding.sentence}`;
    await listener.ended(step(context.clock, weight, outcome, sentence));
    if (outcome === 'breached' || outcome === 'no-data') throw new PromotionReturned(sentence);
  }
}

function routing(
  context: WatchContext,
  weight: number,
): { service: string; weights: { armId: string; weight: number }[] } {
  return {
    service: context.service,
    weights: [
      { armId: context.currentArmId, weight: 100 - weight },
      { armId: context.canaryArmId, weight },
    ],
  };
}

/** A step that saw too few requests after all counts as skipped: it has shown nothing. */
function stepOutcome(finding: StepFinding): PromotionStep['outcome'] {
  return finding.outcome === 'too-few' ? 'skipped' : finding.outcome;
}

function step(
  clock: Clock,
  weight: number,
  outcome: PromotionStep['outcome'],
  sentence: string,
): PromotionStep {
  return { weight, outcome, sentence, at: isoNow(clock) };
}
