/**
 * The one way a build and configuration get into production: for runs, people, restores and the
 * first version of a service. One at a time for each service; how it is done is in promotion-execution.ts.
 * Anybody may store one; only the replica that drives carries them out.
 */
import { randomUUID } from 'node:crypto';
import { asError, isoNow } from './clock.ts';
import { rethrowLeaving, RunEnding, ShuttingDown } from './endings.ts';
import { broughtBack, isSame, supersededWords } from './in-force.ts';
import { KeyedLock } from './keyed-lock.ts';
import { lapsedOrder } from './lapsed-orders.ts';
import type { Settled } from './production.ts';
import { describe } from './production.ts';
import { supersededPass } from './promotable.ts';
import { PromotionExecution } from './promotion-execution.ts';
import type { PromotionDependencies, PromotionRequest } from './promotion-execution.ts';
import { PromotionHandle } from './promotion-handle.ts';
import type { BuildAndConfiguration, PromotionRecord } from './records.ts';
import { rememberTakenBack } from './taken-back.ts';
import type { Owner } from './world.ts';

const SETTLE_AGAIN_MS = 30_000;
const NOT_DRIVING = 'the gate service does not drive promotions here';

export class Promotions {
  readonly #deps: PromotionDependencies;
  readonly #lock = new KeyedLock();
  /** Promotions that this process carries out now. */
  readonly #executing = new Map<string, Promise<PromotionRecord>>();
  /** Services whose production is brought back at this moment. */
  readonly #bringingBack = new Set<string>();
  /** When production of a service that is not as it must be is looked after next, milliseconds. */
  readonly #nextSettling = new Map<string, number>();
  readonly #execution: PromotionExecution;
  #driving: AbortController | undefined;

  constructor(deps: PromotionDependencies) {
    this.#deps = deps;
    this.#execution = new PromotionExecution(deps, (request) => this.create(request));
  }

  /** For promotions that no run's signal ends: aborts when this process stops driving. */
  get signal(): AbortSignal {
    return this.#driving?.signal ?? AbortSignal.abort(new ShuttingDown(NOT_DRIVING));
  }

  #isDriving(): boolean {
    return !this.signal.aborted;
  }

  /** From now on this process carries promotions out. */
  begin(): void {
    this.#driving ??= new AbortController();
  }

  /** Leaves promotions where they are stored; {@link recover} deals with them when somebody drives again. */
  async halt(reason: ShuttingDown = new ShuttingDown()): Promise<void> {
    this.#driving?.abort(reason);
    this.#driving = undefined;
    await this.#lock.idle();
  }

  /** Stores the promotion; who drives carries it out. */
  create(request: PromotionRequest, id: string = randomUUID()): Promise<PromotionRecord> {
    return this.#deps.store.createPromotion({
      ...request,
      id,
      createdAt: isoNow(this.#deps.clock),
      state: 'running',
      stage: 'queued',
      steps: [],
    });
  }

  /**
   * Starts every stored promotion that waits, but for those that a run carries out itself. Does not wait
   * for their ends.
   */
  async startQueued(problem: (error: Error) => void): Promise<void> {
    const { items } = await this.#deps.store.promotions({ state: 'running' }, { limit: 200 });
    if (!this.#isDriving()) return;
    const told = (error: unknown): void => {
      if (!(error instanceof ShuttingDown)) problem(asError(error));
    };
    for (const record of items.toReversed()) {
      const { id, origin, service } = record;
      if (this.#executing.has(id)) continue;
      const waits = await this.#waitsOn(record);
      if (!this.#isDriving()) return;
      if (!waits) this.#bringBack(service).catch(told);
      else if (origin !== 'run') this.execute(id, this.signal).catch(told);
    }
    for (const service of this.#deps.production.unsettled) this.#settleAgain(service);
  }

  /** Whether production of the service could not be brought back; it is tried again until it can. */
  isUnsettled(service: string): boolean {
    return this.#deps.production.unsettled.has(service);
  }

  /** What keeps it from its place was told when it was met first. */
  #settleAgain(service: string): void {
    const now = this.#deps.clock.now();
    if (now < (this.#nextSettling.get(service) ?? 0)) return;
    this.#nextSettling.set(service, now + SETTLE_AGAIN_MS);
    this.#bringBack(service).catch(() => undefined);
  }

  /** This very process has left one in the middle, or its run has, because the store or the platform did not answer. */
  async #bringBack(service: string): Promise<void> {
    if (this.#bringingBack.has(service)) return;
    this.#bringingBack.add(service);
    try {
      await this.recover(service);
    } finally {
      this.#bringingBack.delete(service);
    }
  }

  /**
   * Brings production to what is in force and clears what is left over, while no promotion moves it.
   * @throws the platform's error when that cannot be done
   */
  settle(owner: Owner): Promise<Settled> {
    return this.#lock.run(owner.service, async () => {
      const settled = await this.#deps.production.settle(owner);
      if (settled.present) return settled;
      await this.#execution.reinstate(owner.service, this.signal);
      return { ...(await this.#deps.production.settle(owner)), restored: true };
    });
  }

  /**
   * Carries a stored promotion out; a second call while it does gives the same end. A failure before the
   * new nodes are in force leads back to the old ones and is told by the record's state, not thrown.
   * @param judgedAgainst what production must still run, now that no other promotion moves it
   * @throws ShuttingDown, with everything left as it is for whoever drives next; RunEnding `superseded`
   *   when production runs something else than `judgedAgainst`
   */
  execute(
    id: string,
    signal: AbortSignal,
    judgedAgainst?: { readonly inForce: BuildAndConfiguration | undefined },
  ): Promise<PromotionRecord> {
    const underWay = this.#executing.get(id);
    if (underWay !== undefined) return underWay;
    const execution = this.#execute(id, signal, judgedAgainst).finally(() => {
      this.#executing.delete(id);
    });
    this.#executing.set(id, execution);
    return execution;
  }

  /**
   * The first version of a service, by the same path and unjudged. Nothing happens when something
   * is in force.
   * @throws Error with the promotion's summary when it did not complete
   */
  async ensureProduction(
    service: string,
    first: BuildAndConfiguration,
    actor: string,
  ): Promise<PromotionRecord | undefined> {
    const { inForce } = await this.#deps.store.serviceState(service);
    if (inForce !== undefined) return undefined;
    const record = await this.create({
      service,
      build: first.build,
      configurationHash: first.configurationHash,
      origin: 'initial',
      actor,
      reason: 'the first version of the service',
    });
    const ended = await this.execute(record.id, this.signal);
    if (ended.state === 'completed') return ended;
    // Another one has got there first.
    if ((await this.#deps.store.serviceState(service)).inForce !== undefined) return undefined;
    throw new Error(ended.summary ?? `promotion ${ended.state}`);
  }

  /**
   * When this process begins to drive: a promotion whose new nodes are in force is completed, one that
   * has not begun waits on, any other is brought back; production never stays at weights in between.
   */
  async recover(service: string): Promise<void> {
    await this.#lock.run(service, async () => {
      const { items } = await this.#deps.store.promotions(
        { service, state: 'running' },
        { limit: 200 },
      );
      const left = items.filter(({ id }) => !this.#executing.has(id));
      // What has to be brought back was moved on its behalf.
      const moved = left.find(({ stage }) => stage !== 'queued');
      const owner =
        moved === undefined ? { service } : new PromotionHandle(this.#deps, moved).owner;
      if (moved !== undefined) await this.#shutOut(service);
      const { present } = await this.#deps.production.settle(owner);
      for (const record of left) await this.#close(record);
      if (!present) await this.#execution.reinstate(service, this.signal);
    });
  }

  /** Who has left it in the middle may only stand still: what it has read of the service is old from now on. */
  async #shutOut(service: string): Promise<void> {
    const { version, inForce, lastKnownGood } = await this.#deps.store.serviceState(service);
    await this.#deps.store.saveServiceState(service, version, {
      ...(inForce === undefined ? {} : { inForce }),
      ...(lastKnownGood === undefined ? {} : { lastKnownGood }),
    });
  }

  /** Ends a promotion that an earlier process has left in the middle. */
  async #close(record: PromotionRecord): Promise<void> {
    const { inForce } = await this.#deps.store.serviceState(record.service);
    const handle = new PromotionHandle(this.#deps, record);
    if (inForce?.promotionId === record.id) {
      await handle.end('completed', `${describe(record)} is in force; the old nodes are gone`);
    } else if (!(await this.#waitsOn(record))) {
      const why =
        record.stage === 'queued'
          ? 'its run ended before it had begun'
          : `the gate service was restarted while it was ${record.stage}`;
      const summary = `${why}: ${broughtBack(inForce)}`;
      await rememberTakenBack(this.#deps, record, summary);
      await handle.end('failed', summary);
    }
  }

  /** Nothing was changed for it yet, and somebody will carry it out. */
  async #waitsOn({ id, origin, runId, stage }: PromotionRecord): Promise<boolean> {
    if (stage !== 'queued') return false;
    if (origin !== 'run') return true;
    const run = runId === undefined ? undefined : await this.#deps.store.run(runId);
    return run?.phase === 'promoting' && run.promotionId === id;
  }

  async #execute(
    id: string,
    signal: AbortSignal,
    judgedAgainst: { readonly inForce: BuildAndConfiguration | undefined } | undefined,
  ): Promise<PromotionRecord> {
    const { service } = await this.#stored(id);
    return this.#lock.run(service, async () => {
      // Nothing has begun: it waits on for whoever drives next.
      if (signal.aborted) rethrowLeaving(signal.reason);
      // Read again: it may have been ended while it waited for its turn.
      const record = await this.#stored(id);
      if (record.state !== 'running') return record;
      const idle = (await lapsedOrder(this.#deps, record)) ?? (await this.#overtaken(record));
      if (idle !== undefined) return new PromotionHandle(this.#deps, record).end('failed', idle);
      if (judgedAgainst !== undefined) await this.#requireInForce(record, judgedAgainst.inForce);
      return this.#execution.carryOut(record, signal);
    });
  }

  /** Why an order that was right when it was given is not any more, now that its turn has come. */
  async #overtaken(record: PromotionRecord): Promise<string | undefined> {
    const { id, origin, runId, service } = record;
    const { store } = this.#deps;
    if (origin === 'initial') {
      const { inForce } = await store.serviceState(service);
      if (inForce === undefined || isSame(inForce, record)) return undefined;
      return `${describe(inForce)} is in force already: a first version comes only where nothing is`;
    }
    if (origin !== 'person' || runId === undefined) return undefined;
    const run = await store.run(runId);
    // An override, whose id its promotion has, is an order whatever the run was compared with.
    if (run === undefined || (await store.overrides(runId)).some((one) => one.id === id)) return;
    return supersededPass(store, run, record);
  }

  async #stored(id: string): Promise<PromotionRecord> {
    const record = await this.#deps.store.promotion(id);
    if (record === undefined) throw new Error(`promotion ${id} is not stored`);
    return record;
  }

  async #requireInForce(
    record: PromotionRecord,
    expected: BuildAndConfiguration | undefined,
  ): Promise<void> {
    const { inForce } = await this.#deps.store.serviceState(record.service);
    if (isSame(inForce, expected)) return;
    const words = supersededWords(inForce);
    await new PromotionHandle(this.#deps, record).end('returned', words);
    throw new RunEnding('superseded', words);
  }
}
