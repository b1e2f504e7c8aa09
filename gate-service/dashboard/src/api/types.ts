/** What the API answers, as far as the pages show it. A test holds it against the API's own schemas. */

export type Decision = 'pass' | 'promote' | 'rollback';
export type Outcome = 'met' | 'breached' | 'inconclusive' | 'invalid';
export type Unit = 'ratio' | 'ms' | 'share';
/** Of all knobs of the stack. */
export type Values = Readonly<Record<string, number | boolean | string>>;

export interface ThresholdOutcome {
  readonly threshold: string;
  readonly outcome: Outcome;
  readonly unit: Unit;
  readonly effect?: number | undefined;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly confidence: number;
  readonly limit: number;
  readonly minimumDetectableEffect?: number | undefined;
  readonly baseline?: number | undefined;
  readonly candidate?: number | undefined;
  readonly valueUnit?: 'ms' | 'share' | 'per-second' | 'cpu-ms' | undefined;
  readonly sentence: string;
}

export interface ControlOutcome {
  readonly control: 'same-build' | 'nodes' | 'planted' | 'sender' | 'counts' | 'steady';
  readonly passed: boolean;
  readonly notRun?: true | undefined;
  readonly sentence: string;
}

export interface Judgement {
  readonly decision: 'pass' | 'rollback';
  readonly cause: string;
  readonly outcomes: readonly ThresholdOutcome[];
  readonly shown: readonly ThresholdOutcome[];
  readonly controls: readonly ControlOutcome[];
  readonly windows: {
    readonly planned: number;
    readonly counted: number;
    readonly dropped: number;
  };
  readonly summary: string;
}

export interface JudgementRecord {
  readonly id: string;
  readonly rejudges?: string | undefined;
  readonly at: string;
  readonly by: string;
  readonly thresholds: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly judgement: Judgement;
}

export interface PromotionStep {
  readonly weight: number;
  readonly outcome: 'held' | 'skipped' | 'breached' | 'no-data';
  readonly sentence: string;
  readonly at?: string | undefined;
}

export type PromotionState = 'running' | 'completed' | 'returned' | 'failed';

export interface Override {
  readonly id: string;
  readonly actor: string;
  readonly reason: string;
  readonly order: 'promote' | 'rollback';
  readonly at: string;
  readonly expiresAt: string;
  readonly state: 'waiting' | 'acted' | 'refused' | 'expired' | 'stands';
  readonly outcome?: string | undefined;
  /** Of the decision that it stands beside. */
  readonly cause?: string | undefined;
  readonly promotion?: PromotionInShort | undefined;
}

export interface PromotionInShort {
  readonly id: string;
  readonly state: PromotionState;
  readonly steps: readonly PromotionStep[];
  readonly summary?: string | undefined;
}

/** Means in milliseconds; the hops add up to the total. */
export interface Hops {
  readonly totalMs: number;
  readonly proxyMs: number;
  readonly httpdMs: number;
  readonly jettyMs: number;
}

export interface Attempt {
  readonly number: number;
  readonly purpose: 'measuring' | 'tuning' | 'confirming';
  readonly judgement?: Judgement | undefined;
  readonly sentence: string;
  readonly hops?: Readonly<Record<string, Hops>> | undefined;
}

export type TuningVerdict =
  'under-way' | 'adopted' | 'rejected' | 'unsafe' | 'dropped' | 'reverted';

/** Challenger ÷ incumbent − 1, with its interval. */
export interface TuningRatio {
  readonly change: number;
  readonly low: number;
  readonly high: number;
}

export interface TuningEvaluation {
  readonly number: number;
  readonly configurationHash: string;
  readonly source: 'expert' | 'policy' | 'critic' | 'memory' | 'rerun';
  readonly reason: string;
  readonly changes: readonly {
    readonly knob: string;
    readonly from: number | boolean | string;
    readonly to: number | boolean | string;
    readonly share?: number | undefined;
  }[];
  readonly predicted?: (TuningRatio & { readonly safe: number }) | undefined;
  readonly measured?:
    (TuningRatio & { readonly confidence: number; readonly windows: number }) | undefined;
  readonly margins: readonly {
    readonly metric: string;
    readonly max: number;
    readonly measured: number;
    readonly share: number;
  }[];
  readonly verdict: TuningVerdict;
  readonly sentence: string;
}

export interface Tuning {
  readonly outcome:
    'skipped' | 'under-way' | 'kept' | 'adopted' | 'confirmed' | 'reverted' | 'broken-off';
  readonly summary: string;
  readonly objective: string;
  readonly memory: readonly string[];
  readonly advice?: readonly string[] | undefined;
  readonly evaluations: readonly TuningEvaluation[];
}

export interface Run {
  readonly id: string;
  readonly service: string;
  readonly build: string;
  readonly label?: string | undefined;
  readonly requestedBy: string;
  readonly startedBy?: string | undefined;
  readonly createdAt: string;
  readonly phase: string;
  readonly phases: readonly { readonly phase: string; readonly seconds: number }[];
  readonly against: 'production' | 'reference';
  readonly baseline?: { readonly build: string; readonly configurationHash: string } | undefined;
  readonly decision?: Decision | undefined;
  readonly cause?: string | undefined;
  readonly summary?: string | undefined;
  readonly evidence: readonly ThresholdOutcome[];
  readonly shown: readonly ThresholdOutcome[];
  readonly controls: readonly ControlOutcome[];
  readonly codeEffect?: readonly ThresholdOutcome[] | undefined;
  readonly configurationEffect?: readonly ThresholdOutcome[] | undefined;
  readonly configuration?:
    | {
        readonly hash: string;
        readonly adopted: boolean;
        readonly values: Values;
      }
    | undefined;
  readonly tuning?: Tuning | undefined;
  readonly promotion?: PromotionInShort | undefined;
  readonly cancel?: { readonly actor: string; readonly at: string } | undefined;
  readonly overrides: readonly Override[];
  readonly attempts: readonly Attempt[];
  readonly queue?:
    | {
        readonly ahead: number;
        readonly behind?: string | undefined;
        readonly reason: string;
      }
    | undefined;
  readonly earlierRuns: number;
  readonly loosened?: readonly string[] | undefined;
  readonly supersededBy?: string | undefined;
}

/** As lists have it. */
export type RunInShort = Omit<
  Run,
  | 'evidence'
  | 'shown'
  | 'controls'
  | 'codeEffect'
  | 'configurationEffect'
  | 'configuration'
  | 'tuning'
  | 'promotion'
  | 'attempts'
>;

/** A run that waits or is under way. */
export type QueueEntry = Pick<
  Run,
  | 'id'
  | 'service'
  | 'build'
  | 'label'
  | 'requestedBy'
  | 'createdAt'
  | 'phase'
  | 'earlierRuns'
  | 'queue'
>;

export interface InForce {
  readonly build: string;
  readonly configurationHash: string;
  readonly since: string;
  readonly promotionId: string;
}

export interface Promotion {
  readonly id: string;
  readonly service: string;
  readonly build: string;
  readonly configuration: string;
  readonly origin: 'run' | 'person' | 'restore' | 'controller' | 'initial';
  readonly runId?: string | undefined;
  readonly actor: string;
  readonly reason: string;
  readonly createdAt: string;
  readonly state: PromotionState;
  readonly stage: string;
  readonly steps: readonly PromotionStep[];
  readonly summary?: string | undefined;
  readonly finishedAt?: string | undefined;
}

export interface Reference {
  readonly build: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
}

/** What the catalogue asks of every build of the service. */
export interface ServiceRules {
  readonly thresholds: readonly string[];
  readonly promote: 'auto' | 'manual' | 'never';
  readonly fourEyes: boolean;
}

export interface Service {
  readonly name: string;
  readonly description: string;
  readonly rules: ServiceRules;
  readonly inForce?: InForce | undefined;
  readonly lastKnownGood?: InForce | undefined;
  readonly reference?: Reference | undefined;
  readonly latestRun?: RunInShort | undefined;
  readonly promotion?: Promotion | undefined;
}

export interface ServiceConfiguration {
  readonly inForce?: { readonly values?: Values | undefined } | undefined;
  readonly lastKnownGood?: { readonly values?: Values | undefined } | undefined;
}

/** One run on the trend: effects with their intervals, as they were judged. */
export interface TrendPoint {
  readonly runId: string;
  readonly label?: string | undefined;
  readonly build: string;
  readonly finishedAt: string;
  readonly decision: Decision;
  readonly cause: string;
  readonly outcomes: readonly {
    readonly threshold: string;
    readonly effect?: number | undefined;
    readonly low?: number | undefined;
    readonly high?: number | undefined;
    readonly outcome: Outcome;
  }[];
}

export interface RunEvent {
  readonly runId: string;
  readonly sequence: number;
  readonly at: string;
  readonly type: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface AuditEntry {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly service?: string | undefined;
  readonly reason?: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string | undefined;
}

export type Right = 'read' | 'run' | 'promote' | 'override' | 'loosen' | 'admin';

export interface Me {
  readonly name: string;
  readonly kind: string;
  readonly rights: Readonly<Partial<Record<Right, readonly string[]>>>;
}

export interface SignIn {
  readonly token: boolean;
  readonly oidc?:
    | { readonly issuer: string; readonly clientId: string; readonly scopes: readonly string[] }
    | undefined;
  readonly anonymous: boolean;
}
