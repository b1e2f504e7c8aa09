/** What the phases of one run share. */
import type { Sender } from '../load/sender.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import type { Cap } from './cap.ts';
import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Journal } from './journal.ts';
import type {
  CapacityMeter,
  Configurations,
  Machine,
  RunJudge,
  SampleFiles,
  Tuners,
  Warmer,
} from './ports.ts';
import type { MeasuringProfile } from './profile.ts';
import type { Promotions } from './promotion.ts';
import type { RunEvent } from './run.ts';
import type { RunRecord, RunUpdate } from './records.ts';
import type { RunStore } from './run-store.ts';
import { lastStartOf } from './transitions.ts';
import type { Owner, World } from './world.ts';

export interface RunDependencies {
  readonly store: RunStore;
  readonly world: World;
  readonly promotions: Promotions;
  readonly sender: Sender;
  readonly capacity: CapacityMeter;
  /** Services whose production runs on the machine that staging has. */
  readonly productionBesides: () => Promise<readonly string[]>;
  readonly judge: RunJudge;
  /** For fresh nodes in staging. */
  readonly warmer: Warmer;
  readonly tuners: Tuners;
  readonly configurations: Configurations;
  readonly sampleFiles: SampleFiles;
  /** Absent where the gate does not run beside what it measures: foreign CPU is not watched then. */
  readonly machine?: Machine;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly profiles: Readonly<Record<'standard' | 'quick', MeasuringProfile>>;
  /** Request headers by which the mesh of staging routes to an arm, and puts the planted delay in. */
  readonly headers: { readonly arm: string; readonly planted: string };
  /** Pids of the platform's other components (proxies, agents, Prometheus, services under test elsewhere). */
  readonly ownProcesses?: () => Promise<readonly number[]>;
  /** @throws when the service is not in the catalogue */
  readonly catalogue: (service: string) => CatalogueService;
}

export class RunContext {
  readonly deps: RunDependencies;
  readonly service: CatalogueService;
  readonly profile: MeasuringProfile;
  readonly signal: AbortSignal;
  readonly cap: Cap;
  /** Attempts so far; the next one gets the next number. */
  attempts = 0;
  /** The one repeat after an `invalid` attempt. */
  repeated = false;
  #record: RunRecord;

  constructor(deps: RunDependencies, record: RunRecord, signal: AbortSignal, cap: Cap) {
    this.deps = deps;
    this.service = deps.catalogue(record.service);
    this.profile = deps.profiles[record.settings.profile];
    this.signal = signal;
    this.cap = cap;
    this.#record = record;
  }

  /** The run as this process last stored it. */
  get run(): RunRecord {
    return this.#record;
  }

  /** Which start of the run this is, from 1. */
  get start(): number {
    return lastStartOf(this.#record);
  }

  get owner(): Owner {
    return { service: this.#record.service, runId: this.#record.id };
  }

  /** @throws VersionConflictError when somebody else drives the run */
  async update(update: RunUpdate): Promise<void> {
    this.#record = await this.deps.store.updateRun(this.#record.id, this.#record.version, update);
  }

  /** Stores a transition and says it. */
  async enter(update: RunUpdate, message: string): Promise<void> {
    await this.update(update);
    await this.tell('phase', message, { phase: this.#record.phase });
  }

  tell(
    type: RunEvent['type'],
    message: string,
    data: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    return this.deps.journal.append(this.#record.id, type, message, data);
  }

  now(): string {
    return isoNow(this.deps.clock);
  }
}
