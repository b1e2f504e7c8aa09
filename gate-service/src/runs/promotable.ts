/** What an order of a person leads to: only what was judged gets into production, or what was there before. */
import { describe } from './production.ts';
import { isSame } from './in-force.ts';
import type {
  BuildAndConfiguration,
  InForce,
  OverrideRecord,
  PromotionOrigin,
  RunRecord,
} from './records.ts';
import { RefusedError } from './run-service.ts';
import type { RunStore } from './run-store.ts';

type Store = Pick<RunStore, 'judgedPair' | 'promotion' | 'run' | 'serviceHistory' | 'serviceState'>;

/** So many of the builds that were in force can be promoted again after what they were compared with has gone. */
const KNOWN_BEFORE = 200;

/** What is to come in force, or why there is nothing to do: then the order stands beside the decision. */
export type Target = { readonly pair: BuildAndConfiguration } | { readonly nothing: string };

/** @throws RefusedError when the order asks for what must not be done */
export async function targetOfOverride(
  store: Store,
  run: RunRecord,
  order: OverrideRecord['order'],
): Promise<Target> {
  const { inForce, lastKnownGood } = await store.serviceState(run.service);
  requirePromotable(run, order);
  if (order === 'promote') {
    const pair = await judgedPairOf(store, run);
    return isSame(pair, inForce) ? { nothing: `build ${run.build} is in force already` } : { pair };
  }
  // Only what this run brought is taken back; what was there before, or came later, is another run's matter.
  if (inForce?.build !== run.build || !(await broughtBy(store, run, inForce))) {
    return {
      nothing: `production of ${run.service} does not run anything that this run brought there: nothing has to be taken back`,
    };
  }
  if (lastKnownGood === undefined || isSame(lastKnownGood, inForce)) {
    throw new RefusedError(
      'nothing-to-promote',
      `nothing was in production of ${run.service} before build ${run.build}: there is nothing to go back to`,
    );
  }
  return { pair: lastKnownGood };
}

/** A promotion that names no run (an older one, or of what was in force anyhow) is told by its time. */
async function broughtBy(store: Store, run: RunRecord, inForce: InForce): Promise<boolean> {
  const runId = (await store.promotion(inForce.promotionId))?.runId;
  return runId === undefined ? inForce.since > run.createdAt : runId === run.id;
}

/** How a person's promotion of a pair is to be taken, and the run that it rests on where it rests on one. */
export interface Promotable {
  readonly origin: Extract<PromotionOrigin, 'person' | 'restore'>;
  readonly run?: RunRecord;
}

/** @throws RefusedError when the pair may not be promoted */
export async function promotable(
  store: Store,
  service: string,
  pair: BuildAndConfiguration,
): Promise<Promotable> {
  const { inForce, lastKnownGood } = await store.serviceState(service);
  if (isSame(pair, lastKnownGood) || isSame(pair, inForce)) return { origin: 'restore' };
  const judged = await store.judgedPair(service, pair);
  if (judged === undefined) {
    throw new RefusedError(
      'not-judged',
      `build ${pair.build} was never judged on configuration ${pair.configurationHash} for ${service}: only judged pairs or the last known good can be promoted`,
    );
  }
  if (judged.decision !== 'pass') {
    throw new RefusedError(
      'judged-rollback',
      `build ${pair.build} was judged ${judged.cause} by run ${judged.runId}: an override of that run, with a reason, is the way to promote it all the same`,
    );
  }
  const run = await store.run(judged.runId);
  // A later run of what was in force before, under way or cancelled, must not stand in the way back.
  // It stays that run's matter all the same: four eyes, and whose promotion it is, are told by it.
  if (run !== undefined && run.cause !== 'promotion-breached') {
    if (await wasInForce(store, service, pair)) return { origin: 'person', run };
  }
  if (run?.phase !== 'finished') {
    throw new RefusedError(
      'not-finished',
      `run ${judged.runId}, which judges build ${pair.build}, is not finished: wait for its decision`,
    );
  }
  if (run.decision === 'rollback') {
    throw new RefusedError(
      'judged-rollback',
      `run ${run.id} met its thresholds and was rolled back all the same (${run.cause ?? 'no cause'}): an override of that run, with a reason, is the way to promote it`,
    );
  }
  const superseded = await supersededPass(store, run, pair);
  if (superseded !== undefined) throw new RefusedError('superseded', superseded);
  return { origin: 'person', run };
}

/**
 * A pass speaks about the production that it was compared with. What was in force before has proven itself
 * there and may come back.
 * @returns why the pass counts no more, for a person; undefined when it does
 */
export async function supersededPass(
  store: Pick<RunStore, 'serviceHistory' | 'serviceState'>,
  run: RunRecord,
  pair: BuildAndConfiguration,
): Promise<string | undefined> {
  const { inForce } = await store.serviceState(run.service);
  if (isSame(run.baseline, inForce) || isSame(pair, inForce)) return undefined;
  if (await wasInForce(store, run.service, pair)) return undefined;
  return `run ${run.id} compared build ${pair.build} with what was in production then, and production has changed since (now ${inForce === undefined ? 'nothing' : describe(inForce)}): gate the build again, or override that run with a reason`;
}

/**
 * What is known of a run before it has its decision.
 * @throws RefusedError when it will have nothing to promote, however it ends
 */
export function requirePromotable(run: RunRecord, order: OverrideRecord['order']): void {
  if (order !== 'promote' || run.settings.against !== 'reference') return;
  throw new RefusedError(
    'not-judged',
    `run ${run.id} compares with the reference, not with production: gate the build against production first`,
  );
}

async function judgedPairOf(store: Store, run: RunRecord): Promise<BuildAndConfiguration> {
  const pair =
    run.configuration === undefined
      ? undefined
      : { build: run.build, configurationHash: run.configuration.hash };
  if (pair === undefined || (await store.judgedPair(run.service, pair)) === undefined) {
    throw new RefusedError(
      'not-judged',
      `run ${run.id} ended before its build was judged: only a judged build and configuration can be promoted`,
    );
  }
  return pair;
}

async function wasInForce(
  store: Pick<RunStore, 'serviceHistory'>,
  service: string,
  pair: BuildAndConfiguration,
): Promise<boolean> {
  const { items } = await store.serviceHistory(service, { limit: KNOWN_BEFORE });
  return items.some((known) => isSame(known, pair));
}
