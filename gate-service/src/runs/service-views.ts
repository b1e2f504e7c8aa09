/** Services as the API answers them: what runs where, by which rules, and what was decided. */
import type { CatalogueService } from '../settings/catalogue.ts';
import type { Cause, Decision, RunInShort } from './run.ts';
import type {
  InForce,
  OverrideRecord,
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
  RunRecord,
  RunStore,
} from './run-store.ts';

/** What the catalogue asks of every build of the service. */
export interface ServiceRules {
  readonly thresholds: readonly string[];
  readonly shown: readonly string[];
  /** What becomes of a pass where the request does not say. */
  readonly promote: 'auto' | 'manual' | 'never';
  /** A pass is promoted by somebody else than who asked for the run. */
  readonly fourEyes: boolean;
  /** A newer run takes the place of queued ones. */
  readonly supersede: boolean;
  readonly limits: {
    readonly queued: number;
    readonly attemptsPerBuild?: number;
    readonly tuneSeconds: number;
  };
}

export interface ServiceView {
  readonly name: string;
  readonly description: string;
  readonly rules: ServiceRules;
  readonly inForce?: InForce;
  readonly lastKnownGood?: InForce;
  /** What `against: reference` compares with. */
  readonly reference?: ReferenceRecord;
  readonly latestRun?: RunInShort;
  /** Promotion that is under way. */
  readonly promotion?: PromotionRecord;
}

/** A finished run in short. */
export interface DecisionView {
  readonly run: string;
  readonly build: string;
  readonly label?: string;
  readonly against: 'production' | 'reference';
  readonly decision: Decision;
  readonly cause: Cause;
  readonly summary: string;
  readonly requestedBy: string;
  readonly createdAt: string;
  readonly finishedAt: string;
  readonly earlierRuns: number;
  readonly loosened?: readonly string[];
  /** The latest order beside it. */
  readonly override?: Pick<OverrideRecord, 'order' | 'actor' | 'at' | 'state'>;
}

export interface ConfigurationInForce extends InForce {
  /** Absent when the values are not stored any more. */
  readonly values?: Readonly<Record<string, number | boolean | string>>;
}

export interface ConfigurationView {
  readonly inForce?: ConfigurationInForce;
  readonly lastKnownGood?: ConfigurationInForce;
}

/** Far above what services have under way at once: one each. */
const MOST_PROMOTIONS_UNDER_WAY = 1000;

export class ServiceViews {
  readonly #store: RunStore;
  readonly #viewOf: (run: RunRecord) => Promise<RunInShort>;

  constructor(store: RunStore, viewOf: (run: RunRecord) => Promise<RunInShort>) {
    this.#store = store;
    this.#viewOf = viewOf;
  }

  /** All of them: what each asks of the store is read for all together. */
  async services(services: readonly CatalogueService[]): Promise<readonly ServiceView[]> {
    const { items } = await this.#store.promotions(
      { state: 'running' },
      { limit: MOST_PROMOTIONS_UNDER_WAY },
    );
    const running = new Map(items.map((promotion) => [promotion.service, promotion]));
    return Promise.all(services.map((service) => this.#view(service, running.get(service.name))));
  }

  async service(service: CatalogueService): Promise<ServiceView> {
    const { items } = await this.#store.promotions(
      { service: service.name, state: 'running' },
      { limit: 1 },
    );
    return this.#view(service, items[0]);
  }

  async #view(
    service: CatalogueService,
    promotion: PromotionRecord | undefined,
  ): Promise<ServiceView> {
    const { name } = service;
    const [{ inForce, lastKnownGood }, reference, latest] = await Promise.all([
      this.#store.serviceState(name),
      this.#store.reference(name),
      this.#store.latestRun(name),
    ]);
    return {
      name,
      description: service.description,
      rules: rulesOf(service),
      ...(inForce === undefined ? {} : { inForce }),
      ...(lastKnownGood === undefined ? {} : { lastKnownGood }),
      ...(reference === undefined ? {} : { reference }),
      ...(latest === undefined ? {} : { latestRun: await this.#viewOf(latest) }),
      ...(promotion === undefined ? {} : { promotion }),
    };
  }

  async decisions(service: string, page: PageRequest): Promise<Page<DecisionView>> {
    const { items, nextCursor } = await this.#store.runs({ service, phase: 'finished' }, page);
    const decisions = await Promise.all(items.map((run) => this.#decision(run)));
    return {
      items: decisions.filter((one) => one !== undefined),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  async configuration(service: string): Promise<ConfigurationView> {
    const { inForce, lastKnownGood } = await this.#store.serviceState(service);
    return {
      ...(inForce === undefined ? {} : { inForce: await this.#withValues(inForce) }),
      ...(lastKnownGood === undefined
        ? {}
        : { lastKnownGood: await this.#withValues(lastKnownGood) }),
    };
  }

  async #withValues(inForce: InForce): Promise<ConfigurationInForce> {
    const values = await this.#store.configurationValues(inForce.configurationHash);
    return { ...inForce, ...(values === undefined ? {} : { values }) };
  }

  async #decision(run: RunRecord): Promise<DecisionView | undefined> {
    const { cause, decision, finishedAt, label, settings, summary } = run;
    if (decision === undefined || cause === undefined) return undefined;
    const override = (await this.#store.overrides(run.id)).at(-1);
    return {
      run: run.id,
      build: run.build,
      ...(label === undefined ? {} : { label }),
      against: settings.against,
      decision,
      cause,
      summary: summary ?? '',
      requestedBy: run.requestedBy,
      createdAt: run.createdAt,
      finishedAt: finishedAt ?? run.createdAt,
      earlierRuns: settings.earlierRuns ?? 0,
      ...(settings.loosened === undefined ? {} : { loosened: settings.loosened }),
      ...(override === undefined
        ? {}
        : {
            override: {
              order: override.order,
              actor: override.actor,
              at: override.at,
              state: override.state,
            },
          }),
    };
  }
}

function rulesOf(service: CatalogueService): ServiceRules {
  const { attemptsPerBuild, queued, tuneSeconds } = service.limits;
  return {
    thresholds: service.thresholds,
    shown: service.shown,
    promote: service.promotion.default,
    fourEyes: service.fourEyes,
    supersede: service.supersede,
    limits: {
      queued,
      ...(attemptsPerBuild === undefined ? {} : { attemptsPerBuild }),
      tuneSeconds,
    },
  };
}
