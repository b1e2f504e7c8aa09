/** One gate service on fakes. The world (store, platform) outlives it, so that a second one can recover. */
import type { CatalogueService } from '../../settings/catalogue.ts';
import { catalogueServiceSchema } from '../../settings/catalogue.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { ArmTraffic, Telemetry } from '../../telemetry/telemetry.ts';
import type { Platform } from '../../platforms/platform.ts';
import { productionOn } from '../capacity.ts';
import { asError } from '../clock.ts';
import { Driver } from '../driver.ts';
import type { Fence } from '../driving.ts';
import { GateRuns } from '../gate-runs.ts';
import { Journal } from '../journal.ts';
import { Production } from '../production.ts';
import type { MeasuringProfile } from '../profile.ts';
import { Promotions } from '../promotion.ts';
import type { RunRequest } from '../run.ts';
import type { RunRecord, RunStore } from '../run-store.ts';
import type { CapacityMeter, Configurations, Machine, RunJudge, Tuners, Warmer } from '../ports.ts';
import { Worker } from '../worker.ts';
import { World } from '../world.ts';
import { FakeClock } from './fake-clock.ts';
import {
  FakeJudge,
  FakeSender,
  FakeStepJudge,
  FakeTuners,
  fakeSampleFiles,
} from './fake-measuring.ts';
import { FakePlatform } from './fake-platform.ts';
import { MemoryStore } from './memory-store.ts';

export const OLD = 'a'.repeat(64);
export const NEW = 'b'.repeat(64);
export const stock = configuration('stock');
export const tuned = configuration('tuned');

const profile: MeasuringProfile = {
  windows: 4,
  windowSeconds: 2,
  warmup: { minSeconds: 2, maxSeconds: 4, minRequests: 1 },
  planted: { windows: 1, delayMs: 10 },
  tuning: { windows: 2, warmupSeconds: 2 },
  capacity: { couples: 6, blockSeconds: 2 },
  quiet: { seconds: 6, maxSeconds: 30 },
  capSeconds: 120,
  progressSeconds: 4,
};

/** What outlives a process. */
export class FakeWorld {
  readonly clock = new FakeClock();
  readonly memory = new MemoryStore(() => this.clock.now());
  store: RunStore;
  readonly platform = new FakePlatform();
  readonly sender = new FakeSender(this.clock, this.platform);
  readonly judge = new FakeJudge();
  readonly steps = new FakeStepJudge();
  readonly tuners = new FakeTuners();
  /** Arms that were warmed, oldest first. */
  readonly warmer = { failed: 0, warmed: [] as string[], fails: false };
  /** Answers per second of an arm in closed loop, by the header that leads to it. */
  capacityOf: (arm: string) => number = () => 500;
  readonly capacity: CapacityMeter = {
    measure: async ({ headers, seconds }, signal) => {
      await this.clock.sleep(seconds * 1000, signal);
      const completedPerSecond = this.capacityOf(headers['x-arm'] ?? '');
      return {
        completedPerSecond,
        completed: completedPerSecond * seconds,
        failed: 0,
        generatorCores: 0.3,
      };
    },
  };
  /** Cores that strangers use, each time somebody looks; nobody can look when undefined. */
  foreignCores: (() => number) | undefined;
  /** Requests per second in production. */
  rate = 300;
  /** Arms whose scrape is lost. */
  lostScrape: (armId: string) => boolean = () => false;
  failures: (armId: string) => number = () => 0;
  readonly service: CatalogueService = catalogueServiceSchema.parse({
    name: 'checkout',
    hosts: ['checkout.localhost'],
    workload: { rate: 100, requests: [{ name: 'cart', path: '/cart' }] },
    thresholds: ['p50 <= baseline + 10%', 'errors < 1%'],
    initialBuild: true,
    promotion: { stepSeconds: 8, holdSeconds: 8, minimumRequests: 10 },
  });

  #seeds = 0;

  readonly telemetry: Telemetry = {
    armTraffic: (_service, armIds, { fromMs, toMs }) => {
      const found = armIds.map((armId): [string, ArmTraffic | undefined] => {
        const weight = this.platform.arms.get(armId)?.weight;
        if (weight === undefined || this.lostScrape(armId)) return [armId, undefined];
        const requests = (this.rate * (weight / 100) * (toMs - fromMs)) / 1000;
        return [
          armId,
          { armId, requests, failures: this.failures(armId), latency: { bounds: [] } },
        ];
      });
      return Promise.resolve(new Map(found));
    },
  };

  constructor(store?: RunStore) {
    this.store = store ?? this.memory;
  }

  /** The same database, opened by the next process. */
  reopen(store: RunStore): void {
    this.store = store;
  }

  /** The same seeds in the same order in every test run. */
  drawSeed(): number {
    this.#seeds += 1;
    return 7919 * this.#seeds;
  }

  /** Old build in production on the stock configuration. */
  async seed(inForce = stock): Promise<void> {
    await this.addBuilds();
    await this.store.saveConfiguration(inForce.hash, inForce.values);
    const gate = new FakeGate(this);
    const first = { build: OLD, configurationHash: inForce.hash };
    await this.clock.run(gate.promotions.ensureProduction('checkout', first, 'set-up'));
  }

  async addBuilds(): Promise<void> {
    for (const digest of [OLD, NEW]) {
      await this.store.saveBuild({
        digest,
        location: `/builds/${digest}.war`,
        sizeBytes: 1,
        uploadedBy: 'ci',
        uploadedAt: '2026-01-05T08:00:00Z',
      });
    }
    for (const { hash, values } of [stock, tuned]) await this.store.saveConfiguration(hash, values);
  }
}

/** For a process that is alone with its world. */
const unfenced: Fence = {
  confirm: () => Promise.resolve({ holder: 'alone', token: 0 }),
  requireTime: () => undefined,
};

export interface FakeGateOptions {
  /** Stands between the process and store or platform. */
  readonly wrap?: <T extends object>(target: T) => T;
  readonly judge?: RunJudge;
  readonly tuners?: Tuners;
  readonly configurations?: Configurations;
  readonly profile?: Partial<MeasuringProfile>;
  /** Holds the lease under this name before it changes anything; without a name it is alone. */
  readonly replica?: string;
}

/** One process of the gate service. */
export class FakeGate {
  readonly worker: Worker;
  readonly promotions: Promotions;
  readonly runs: GateRuns;
  readonly journal: Journal;
  readonly driver: Driver;
  readonly problems: Error[] = [];
  /** Runs whose decision was told to the outside. */
  readonly finished: RunRecord[] = [];
  readonly #world: FakeWorld;
  #dead = false;

  constructor(fake: FakeWorld, options: FakeGateOptions = {}) {
    const wrap = options.wrap ?? (<T extends object>(target: T): T => target);
    this.#world = fake;
    const store: RunStore = this.#mortal(wrap(fake.store));
    const platform: Platform = this.#mortal(wrap(fake.platform));
    const { clock, sender, service, telemetry } = fake;
    const { judge = fake.judge, tuners = fake.tuners } = options;
    const ownProfile = { ...profile, ...options.profile };
    const journal = new Journal(store, clock);
    const problem = (error: Error): void => {
      this.problems.push(error);
    };
    this.driver = new Driver({
      store,
      clock,
      holder: options.replica ?? 'alone',
      isGone: () => false,
      begin: () => Promise.resolve(),
      drive: (signal) => this.worker.work(signal),
      end: () => Promise.resolve(),
      problem,
    });
    const fence: Fence = options.replica === undefined ? unfenced : this.driver;
    const world = new World(platform, store, clock, fence);
    const configurations = options.configurations ?? {
      parse: (values: unknown) => configuration((values as { name?: string }).name ?? 'real'),
      stock: () => stock,
    };
    const catalogue = (name: string): CatalogueService => {
      if (name !== service.name) throw new Error(`no service ${name}`);
      return service;
    };
    const machine: Machine = {
      foreignCores: async (_ownPids, seconds, signal) => {
        await clock.sleep(seconds * 1000, signal);
        return fake.foreignCores?.() ?? 0;
      },
      watchCpu: (groups) => ({
        read: () => Promise.resolve(groups.map(() => 0)),
        close: () => Promise.resolve(),
      }),
    };
    const warmer: Warmer = {
      warm: ({ id }) => {
        if (fake.warmer.fails) return Promise.reject(new Error('no answer'));
        fake.warmer.warmed.push(id);
        return Promise.resolve({ sent: 10, failed: fake.warmer.failed });
      },
    };
    const productionBesides = (): Promise<readonly string[]> =>
      productionOn(true, store, [service]);
    this.journal = journal;
    this.promotions = new Promotions({
      store,
      world,
      production: new Production(world, store, clock),
      telemetry,
      judge: fake.steps,
      warmer,
      configurations,
      tuners,
      journal,
      clock,
      catalogue,
    });
    this.worker = new Worker(
      {
        store,
        world,
        promotions: this.promotions,
        sender,
        capacity: fake.capacity,
        productionBesides,
        judge,
        warmer,
        tuners,
        configurations,
        sampleFiles: fakeSampleFiles(sender),
        ...(fake.foreignCores === undefined ? {} : { machine }),
        journal,
        clock,
        headers: { arm: 'x-arm', planted: 'x-planted' },
        profiles: { standard: ownProfile, quick: ownProfile },
        catalogue,
      },
      {
        services: () => [service.name],
        finished: (run) => {
          this.finished.push(run);
          return Promise.resolve();
        },
        orders: () => this.runs.due(),
        problem,
      },
    );
    this.runs = new GateRuns({
      store,
      journal,
      worker: {
        wake: () => {
          this.#wake(options.replica !== undefined);
        },
      },
      promotions: this.promotions,
      judge,
      sampleFiles: fakeSampleFiles(sender),
      clock,
      services: [service],
      productionBesides,
      drawSeed: () => fake.drawSeed(),
    });
    if (options.replica === undefined) this.promotions.begin();
  }

  /** From now on nothing that this process calls answers any more. */
  die(): void {
    this.#dead = true;
  }

  /** A process that is alone attends at once to what was ordered; a replica when its turn comes, if it drives. */
  #wake(isReplica: boolean): void {
    if (isReplica) {
      this.worker.wake();
    } else {
      this.worker.attend().catch((error: unknown) => this.problems.push(asError(error)));
    }
  }

  #mortal<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (own, property) => {
        const value: unknown = Reflect.get(own, property, own);
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]): unknown =>
          this.#dead ? new Promise(() => undefined) : Reflect.apply(value, own, parameters);
      },
    });
  }

  /** Recovers, then works until nothing is queued; orders are attended to once a second, as by a real worker. */
  async untilIdle(): Promise<void> {
    await this.worker.recover();
    const idle = new AbortController();
    const attending = this.#attendUntil(idle.signal);
    while (await this.worker.step());
    idle.abort();
    await attending;
    await this.worker.attend();
  }

  async #attendUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#world.clock.sleep(1_000, signal).catch(() => undefined);
      await this.worker.attend().catch((error: unknown) => this.problems.push(asError(error)));
    }
  }

  /** Submits a run of the new build, and drives it to its end. */
  async gate(request: Partial<RunRequest> = {}): Promise<RunRecord> {
    const { run } = await this.runs.submit(
      { service: 'checkout', build: NEW, promote: 'auto', ...request },
      'ci',
    );
    await this.#world.clock.run(this.untilIdle());
    const record = await this.#world.store.run(run.id);
    if (record === undefined) throw new Error('the run is gone');
    return record;
  }
}

export function configuration(name: string): StackConfiguration {
  return { values: { name }, hash: `${name}-hash` } as unknown as StackConfiguration;
}
