/**
 * Finds in the store what nobody was told: the process may have died between storing a decision and
 * storing its message. Runs, promotions and overrides of the last day are gone through.
 */
import type { RunStore } from '../runs/run-store.ts';
import type { Outbox } from './outbox.ts';

export type CatchUpStore = Pick<RunStore, 'runs' | 'audit' | 'promotion' | 'run' | 'overrides'>;

const DAY_MS = 24 * 3_600_000;
/** A run may wait in the queue and be measured for so long before it ends. */
const LONGEST_RUN_MS = DAY_MS;
const PAGE = 100;
const MOST_PAGES = 200;

/**
 * Stores messages that are missing; those that are there stay as they are.
 * @param since ISO 8601; at most a day back
 * @throws errors of the store
 */
export async function catchUp(
  store: CatchUpStore,
  outbox: Outbox,
  since: Date,
  now: Date,
): Promise<void> {
  const from = new Date(Math.max(since.getTime(), now.getTime() - DAY_MS));
  await decisions(store, outbox, from);
  await orders(store, outbox, from.toISOString());
}

async function decisions(store: CatchUpStore, outbox: Outbox, from: Date): Promise<void> {
  const since = from.toISOString();
  const createdSince = new Date(from.getTime() - LONGEST_RUN_MS).toISOString();
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, nextCursor } = await store.runs(
      { phase: 'finished' },
      { limit: PAGE, ...(cursor !== undefined && { cursor }) },
    );
    for (const run of items) {
      if (run.createdAt < createdSince) return;
      if ((run.finishedAt ?? '') >= since) await outbox.add({ type: 'decision', run }, true);
    }
    if (nextCursor === undefined) return;
    cursor = nextCursor;
  }
}

/** Promotions and overrides, which the audit tells newest first. */
async function orders(store: CatchUpStore, outbox: Outbox, since: string): Promise<void> {
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, nextCursor } = await store.audit(
      {},
      { limit: PAGE, ...(cursor !== undefined && { cursor }) },
    );
    for (const { action, at, subject } of items) {
      if (at < since) return;
      if (action === 'run.override') await overridesOf(store, outbox, subject, since);
      if (/^promotion\.(completed|returned|failed)$/.test(action)) {
        const promotion = await store.promotion(subject);
        if (promotion !== undefined && promotion.state !== 'running') {
          await outbox.add({ type: 'promotion', promotion }, true);
        }
      }
    }
    if (nextCursor === undefined) return;
    cursor = nextCursor;
  }
}

async function overridesOf(
  store: CatchUpStore,
  outbox: Outbox,
  runId: string,
  since: string,
): Promise<void> {
  const run = await store.run(runId);
  if (run === undefined) return;
  for (const override of await store.overrides(runId)) {
    if (override.at >= since) await outbox.add({ type: 'override', run, override }, true);
  }
}
