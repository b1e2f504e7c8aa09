/** `judging` and `promoting`: from stored judgements to the answer. Can be repeated after a restart. */
import { randomUUID } from 'node:crypto';
import type { Answer } from '../transitions.ts';
import { finish, move } from '../transitions.ts';
import { LeftForRecovery, RunEnding } from '../endings.ts';
import { describe, short } from '../production.ts';
import type { BuildAndConfiguration, PromotionRecord } from '../records.ts';
import { isSame, supersededWords } from '../in-force.ts';
import type { RunContext } from '../run-context.ts';
import { clearStaging } from '../staging.ts';

/** @throws RunEnding for everything that is not `met` and promoted or left to a person */
export async function decide(context: RunContext): Promise<void> {
  const { clock, store, world } = context.deps;
  const judgement =
    context.run.judgementId === undefined
      ? undefined
      : (await store.judgement(context.run.judgementId))?.judgement;
  if (judgement === undefined) {
    throw new RunEnding('inconclusive', 'there is no stored judgement to decide on');
  }
  if (judgement.cause !== 'met') throw new RunEnding(judgement.cause, judgement.summary);
  const against = context.run.settings.against === 'reference';
  if (!against) await requireSameProduction(context);
  await clearStaging(world, clock, context.owner);
  const wanted = context.run.settings.promote;
  // With four eyes, what was asked for before the catalogue wanted them waits for the second person.
  if (wanted === 'auto' && !context.service.fourEyes) {
    await context.enter(move(context.run, 'judging', 'promoting', context.now()), 'promoting');
    await promote(context, judgement.summary);
    return;
  }
  const production = await untouched(context);
  context.signal.throwIfAborted();
  await conclude(context, {
    decision: 'pass',
    cause: 'met',
    summary: `${judgement.summary} ${against ? referenceWords(context.run.baseline) : ''}${production}; promotion is ${
      wanted === 'never' ? 'not wanted' : 'left to a person'
    }.`,
  });
}

async function promote(context: RunContext, found: string): Promise<void> {
  const { promotions, store } = context.deps;
  const { build, configuration, id, requestedBy, service } = context.run;
  if (configuration === undefined) throw new Error(`run ${id} has no configuration to promote`);
  const { promotionId = randomUUID() } = context.run;
  if (context.run.promotionId === undefined) await context.update({ promotionId });
  const request = {
    service,
    build,
    configurationHash: configuration.hash,
    origin: 'run',
    actor: requestedBy,
    reason: `run ${id} met its thresholds`,
    runId: id,
  } as const;
  if ((await store.promotion(promotionId)) === undefined) {
    context.signal.throwIfAborted();
    await promotions.create(request, promotionId);
  }
  const record = await promotions.execute(promotionId, context.signal, {
    inForce: context.run.baseline,
  });
  await concludePromotion(context, record, found);
}

/** @throws RunEnding when the promotion did not complete */
export async function concludePromotion(
  context: RunContext,
  { state, summary = '' }: PromotionRecord,
  found: string,
): Promise<void> {
  if (state === 'completed') {
    const answer = {
      decision: 'promote',
      cause: 'met',
      summary: `${found} Promoted: ${summary}.`,
    } as const;
    try {
      await conclude(context, answer);
    } catch (error) {
      // Promoted it is: a rollback would be a lie.
      throw new LeftForRecovery(error);
    }
    return;
  }
  context.signal.throwIfAborted();
  throw new RunEnding(
    state === 'returned' ? 'promotion-breached' : 'platform-failed',
    `the thresholds were met, but the promotion ${state === 'returned' ? 'was taken back' : 'failed'}: ${summary}`,
  );
}

function referenceWords(reference: BuildAndConfiguration | undefined): string {
  return reference === undefined
    ? ''
    : `Compared with the reference build ${short(reference.build)}, not with production. `;
}

/** The judgement speaks about what production ran when the run started. */
async function requireSameProduction(context: RunContext): Promise<void> {
  const { baseline } = context.run;
  const { inForce } = await context.deps.store.serviceState(context.service.name);
  if (isSame(baseline, inForce)) return;
  throw new RunEnding('superseded', supersededWords(inForce));
}

/** @throws when production is not as it must be and cannot be brought there */
async function untouched(context: RunContext): Promise<string> {
  const settled = await context.deps.promotions.settle(context.owner);
  if (!settled.present) throw new RunEnding('platform-failed', productionWords(settled));
  return productionWords(settled);
}

export function productionWords(settled: {
  readonly inForce?: { readonly build: string; readonly configurationHash: string };
  readonly present: boolean;
  readonly restored: boolean;
}): string {
  const { inForce, present, restored } = settled;
  if (inForce === undefined) return 'Nothing had to be restored: production has no build yet';
  if (!present)
    return `Production's nodes are missing: ${describe(inForce)} has to be deployed again`;
  return restored
    ? `Production was restored to ${describe(inForce)}`
    : `Nothing had to be restored: production is all on ${describe(inForce)}`;
}

/**
 * `promoting` after a restart: a promotion that had moved anything has been completed or brought back by
 * then; one that had not begun is carried out now.
 * @throws RunEnding when it did not complete
 */
export async function resumePromoting(context: RunContext): Promise<void> {
  const { promotionId, judgementId } = context.run;
  const record =
    promotionId === undefined ? undefined : await context.deps.store.promotion(promotionId);
  const judgement =
    judgementId === undefined ? undefined : await context.deps.store.judgement(judgementId);
  if (judgement === undefined) {
    throw new RunEnding('inconclusive', 'there is no stored judgement to promote by');
  }
  const found = judgement.judgement.summary;
  if (record === undefined || record.state === 'running') {
    context.cap.stop();
    await promote(context, found);
  } else {
    await concludePromotion(context, record, found);
  }
}

/** Writes the decision, once. */
export async function conclude(context: RunContext, answer: Answer): Promise<void> {
  context.cap.stop();
  await context.update(finish(context.run, answer, context.now()));
  const summary = context.run.summary ?? answer.summary;
  await context.tell('decision', `${answer.decision} (${answer.cause}): ${summary}`, {
    decision: answer.decision,
    cause: answer.cause,
  });
}
