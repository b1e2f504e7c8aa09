/** Puts the parts of this room together; what they need of the other rooms comes in. */
import type { Sender } from '../load/sender.ts';
import type { Platform } from '../platforms/platform.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import type { NodeResources } from '../stack/resources.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { capacityProcess } from './adapters/capacity-process.ts';
import { thisMachine } from './adapters/machine.ts';
import { replayWarmer } from './adapters/replay-warmer.ts';
import type { Replay } from './adapters/replay-warmer.ts';
import { runJudge } from './adapters/run-judge.ts';
import { sampleFilesIn } from './adapters/sample-files.ts';
import { stackConfigurations } from './adapters/stack-configurations.ts';
import { stepJudge } from './adapters/step-judge.ts';
import { stackTuners } from './adapters/tuners.ts';
import { productionOn } from './capacity.ts';
import { systemClock } from './clock.ts';
import { GateRuns } from './gate-runs.ts';
import { Driver } from './driver.ts';
import type { Driving } from './driving.ts';
import { Journal } from './journal.ts';
import { nobodyListens } from './notifier.ts';
import type { Notifier } from './notifier.ts';
import { Production } from './production.ts';
import { profiles } from './profile.ts';
import { Promotions } from './promotion.ts';
import type { BuildAndConfiguration, PromotionRecord } from './records.ts';
import { DEFAULT_RETENTION_DAYS, keepPruning } from './retention.ts';
import type { RunService } from './run-service.ts';
import type { RunStore } from './run-store.ts';
import { Worker } from './worker.ts';
import { World } from './world.ts';

export interface RunsDependencies {
  readonly store: RunStore;
  readonly platform: Platform;
  readonly sender: Sender;
  readonly replay: Replay;
  readonly telemetry: Telemetry;
  readonly services: readonly CatalogueService[];
  readonly nodeResources: NodeResources;
  /** Absolute path; sample files go below it. */
  readonly stateDirectory: string;
  /** Request headers of the mesh: ARM_HEADER and PLANTED_HEADER of mesh/plan.ts. */
  readonly headers: { readonly arm: string; readonly planted: string };
  /** Pids of the platform's components besides the nodes' httpd and Jetty: proxies, agents, Prometheus. */
  readonly ownProcesses?: () => Promise<readonly number[]>;
  /** Only one replica changes the world: the one that holds the lease. */
  readonly driver: {
    /** Name of this process, unique among all that use the store. */
    readonly holder: string;
    /** Whether the process of this name is known to be gone. */
    readonly isGone: (holder: string) => boolean;
    /** Starts or adopts the platform. @throws when it cannot be started */
    readonly begin: () => Promise<void>;
    /** Lets go of the platform; its components go on. */
    readonly end: () => Promise<void>;
    readonly changed?: (driving: Driving) => void;
  };
  /** Who hears of decisions and ended promotions; nobody unless told. */
  readonly notifier?: Notifier;
  /** Samples of runs that ended so many days ago are removed; default 30. */
  readonly retentionDays?: number;
  /** What keeps runs or a promotion from going on; they are tried again or say why themselves. */
  readonly problem: (error: Error) => void;
}

export interface Runs {
  readonly service: RunService;
  /**
   * Begins to drive, or to stand by until no other replica does. Who drives starts the platform, recovers
   * what an earlier process has left, then works through the queue.
   * @returns which of them it is at first; the platform is started when it is `driving`
   * @throws the platform's error when this replica may drive but the platform cannot be started
   */
  start(): Promise<'driving' | 'standby'>;
  /** Ends without deciding anything: whoever drives next goes on from what is stored. */
  stop(): Promise<void>;
  /** Who drives, as last seen. */
  driving(): Driving;
  /**
   * The first version of a service, unjudged: nothing is there to compare with. Does nothing when
   * something is in force already. Only where this replica drives.
   * @returns the promotion, or undefined when production was there
   * @throws Error with the promotion's summary when it did not complete
   */
  ensureProduction(
    service: string,
    first: BuildAndConfiguration,
    actor: string,
  ): Promise<PromotionRecord | undefined>;
}

export function createRuns(deps: RunsDependencies): Runs {
  const { nodeResources, platform, problem, sender, services, store, telemetry } = deps;
  const { notifier = nobodyListens, retentionDays = DEFAULT_RETENTION_DAYS } = deps;
  const clock = systemClock;
  const journal = new Journal(store, clock);
  const driver: Driver = new Driver({
    ...deps.driver,
    store,
    clock,
    drive: async (signal) => {
      const pruning = { store, sampleFiles, clock, days: retentionDays, problem };
      await Promise.all([worker.work(signal), keepPruning(pruning, signal)]);
    },
    problem,
  });
  const world = new World(platform, store, clock, driver);
  const configurations = stackConfigurations(nodeResources);
  const productionBesides = (): Promise<readonly string[]> =>
    productionOn(platform.kind === 'local', store, services);
  const sampleFiles = sampleFilesIn(deps.stateDirectory);
  const catalogue = (name: string): CatalogueService => {
    const found = services.find((service) => service.name === name);
    if (found === undefined) throw new Error(`service ${name} is not in the catalogue any more`);
    return found;
  };
  const warmer = replayWarmer(deps.replay);
  const tuners = stackTuners(nodeResources);
  const promotions = new Promotions({
    store,
    world,
    production: new Production(world, store, clock),
    telemetry,
    judge: stepJudge,
    warmer,
    configurations,
    tuners,
    journal,
    clock,
    catalogue,
    notifier,
  });
  const worker: Worker = new Worker(
    {
      store,
      world,
      promotions,
      sender,
      capacity: capacityProcess,
      productionBesides,
      judge: runJudge,
      warmer,
      tuners,
      configurations,
      sampleFiles,
      ...(platform.kind === 'local' ? { machine: thisMachine } : {}),
      journal,
      clock,
      profiles,
      headers: deps.headers,
      catalogue,
      ...(deps.ownProcesses === undefined ? {} : { ownProcesses: deps.ownProcesses }),
    },
    {
      services: () => services.map(({ name }) => name),
      finished: (run) => notifier.notify({ type: 'decision', run }),
      orders: () => service.due(),
      problem,
    },
  );
  const service: GateRuns = new GateRuns({
    store,
    journal,
    worker,
    promotions,
    judge: runJudge,
    sampleFiles,
    clock,
    platform: platform.kind,
    services,
    productionBesides,
    driving: () => driver.driving,
    notifier,
  });
  return {
    service,
    start: () => driver.start(),
    stop: () => driver.stop(),
    driving: () => driver.driving,
    ensureProduction: (name, first, actor) =>
      promotions.ensureProduction(catalogue(name).name, first, actor),
  };
}
