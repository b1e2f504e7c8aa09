/** Ports of the life of a run to what decides and helps; adapters to the other rooms are in `adapters/`. */
import type { Judgement } from '../judge/judgement.ts';
import type { CapacityBlock, JudgedMeasurement } from '../judge/measurement.ts';
import type { ArmName, Measurement, WindowFitness } from '../load/sample.ts';
import type { Workload } from '../load/workload.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import type { StackConfiguration } from '../stack/configuration.ts';
import type { ArmTraffic } from '../telemetry/telemetry.ts';
import type { LatencyMargin } from './planted-delay.ts';
import type {
  EvaluationVerdict,
  LearntSession,
  TuningEvaluation,
  TuningRecord,
} from './tuning-record.ts';

/** Everything besides measurement and thresholds that a judgement depends on; stored with it. */
export interface JudgeOptions {
  readonly seed: number;
  readonly windowsPlanned: number;
  /** Counted (not spoilt) windows at this look; from `windowsPlanned` on it is the last one: nothing more comes. */
  readonly look: number;
  /** False at interim looks: the planted block comes last. */
  readonly requirePlanted: boolean;
  /** False while the sender has not ended: its counters come last. */
  readonly requireSender: boolean;
  /** False for a service without production: only absolute limits are judged. */
  readonly baseline: boolean;
  /** From the warm-up, once it is known. */
  readonly steady?: boolean;
  /** Arms to compare, when they are not baseline and candidate. */
  readonly arms?: { readonly reference: ArmName; readonly subject: ArmName };
}

export interface RunJudge {
  /** Pure: same arguments, same judgement. */
  judge(
    measurement: JudgedMeasurement,
    rules: { readonly thresholds: readonly string[]; readonly shown: readonly string[] },
    options: JudgeOptions,
  ): Judgement;
  /** Whether a window counts: decided by the sender's fitness alone, blind to the effect. */
  counts(fitness: WindowFitness): boolean;
  /** Numbers of counted windows at which the judge may look, rising; the last one is `planned`. */
  looks(planned: number): readonly number[];
  /** Whether an interim judgement settles the question. */
  settles(interim: Judgement): boolean;
  /** `kind` is the kind of request that it is about, if only one. @throws Error with the place of the mistake */
  checkThreshold(text: string): {
    readonly absolute: boolean;
    readonly kind?: string;
    /** Takes a closed-loop measurement of its own. */
    readonly capacity: boolean;
    /** Of a latency threshold against the baseline. */
    readonly latencyMargin?: LatencyMargin;
    readonly text: string;
  };
  /** Whether both speak of the same and the first one allows more than the second. */
  isLooser(threshold: string, than: string): boolean;
}

/** Sample files: where they are and how they are read back. */
export interface SampleFiles {
  /** Path for a new file, relative to the state folder and absolute. Creates the folder. */
  place(
    runId: string,
    attempt: number,
  ): Promise<{ readonly relative: string; readonly absolute: string }>;
  /**
   * @param relative as `place` gave it
   * @throws when the file is missing or malformed
   */
  read(relative: string): Promise<Measurement>;
  /** Also of one that is gone already. @throws when it stays */
  remove(relative: string): Promise<void>;
}

/** Closed-loop load, in a process of its own. */
export interface CapacityMeter {
  /** @throws when nothing answers at all, or with the reason of `signal` */
  measure(
    plan: {
      readonly target: { readonly host: string; readonly port: number };
      readonly authority: string;
      readonly requests: Workload['requests'];
      readonly connections: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Whole seconds. */
      readonly seconds: number;
    },
    signal: AbortSignal,
  ): Promise<Omit<CapacityBlock, 'couple' | 'arm'>>;
}

/** The machine that the measurement shares with others. */
export interface Machine {
  /**
   * Cores that processes other than these, their descendants and the gate's own used on average.
   * @throws when the kernel does not tell, or with the reason of `signal`
   */
  foreignCores(ownPids: readonly number[], seconds: number, signal: AbortSignal): Promise<number>;
  /** Watches groups of processes with their descendants until it is closed. */
  watchCpu(groups: readonly (readonly number[])[]): CpuGroups;
}

export interface CpuGroups {
  /**
   * CPU seconds of each group so far, those of children that ended included.
   * @throws when the kernel does not tell
   */
  read(): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Sends safe requests straight to new nodes before they get traffic. */
export interface Warmer {
  warm(
    arm: Arm,
    target: {
      readonly service: CatalogueService;
      readonly workload: Workload;
      /** 300 when absent. */
      readonly requestsPerNode?: number;
    },
    signal: AbortSignal,
  ): Promise<{ readonly sent: number; readonly failed: number }>;
}

/** What one step of a promotion answers. */
export interface StepFinding {
  readonly outcome: 'held' | 'breached' | 'too-few' | 'no-data';
  readonly sentence: string;
}

/** Pure: canary against current over the same span. */
export interface StepJudge {
  compare(
    canary: ArmTraffic | undefined,
    current: ArmTraffic | undefined,
    options: {
      /** Looks of the whole promotion: they share the error probability. */
      readonly steps: number;
      readonly minimumRequests: number;
      /** Requests that the canary's weight should have brought by now. */
      readonly expectedRequests: number;
    },
  ): StepFinding;
}

/** What tuning goes by: the code comparison and what the nodes said while it ran. */
export interface TuningFacts {
  readonly measurement: JudgedMeasurement;
  readonly workload: Workload;
  /** Staging as observed during the measurement, oldest first. */
  readonly observations: readonly (readonly ArmObservation[])[];
  readonly candidateArmId: string;
  readonly service: string;
  /** Of the run; absolute ones are limits. */
  readonly thresholds: readonly string[];
  /** Most that may be measured. */
  readonly evaluations: number;
  readonly seed: number;
  /** What former runs learnt, latest first; unchecked. */
  readonly sessions: readonly LearntSession[];
}

/** A challenger, why it is tried and what is expected of it. */
export type TuningPlan = Pick<TuningEvaluation, 'source' | 'reason' | 'changes' | 'predicted'>;

export type TuningProposal =
  | ({ readonly kind: 'proposal'; readonly configuration: StackConfiguration } & TuningPlan)
  /** Nothing to win, or nothing left to try; the sentence says which. */
  | { readonly kind: 'none'; readonly sentence: string };

/** What came of a challenger. */
export type TuningTold =
  | {
      readonly kind: 'measured';
      /** Arms `candidate` (incumbent configuration) and `challenger`. */
      readonly measurement: JudgedMeasurement;
      /** Why it was broken off, when it was. */
      readonly burst?: string;
    }
  /** It does not come up, again and again, where the incumbent does. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface TuningAnswer extends Pick<TuningEvaluation, 'measured' | 'margins' | 'sentence'> {
  /** `dropped`: nothing was learnt of it, the next ask names it again. */
  readonly verdict: Exclude<EvaluationVerdict, 'under-way' | 'reverted'>;
}

export interface TuningBudget {
  readonly evaluationsLeft: number;
  readonly secondsLeft: number;
  /** What one evaluation takes without its deployment. */
  readonly secondsPerEvaluation: number;
}

/** Tuning of one run: asked until it has nothing to propose. */
export interface Tuner {
  /** What was made of former runs, in sentences. */
  readonly memory: readonly string[];
  /** What the expert rules would change besides, in sentences for a person: no tuner turns it. */
  readonly advice: readonly string[];
  /** Largest share of failures over all requests that the service allows, 0–1; absent without such a limit. */
  readonly errorLimit?: number;
  ask(budget: TuningBudget): TuningProposal;
  tell(configuration: StackConfiguration, told: TuningTold): TuningAnswer;
  /**
   * What later runs may learn from it so far.
   * @param end what became of the adopted configuration; absent before that is known
   */
  learnt(end?: AdoptionEnd): TuningRecord['learnt'];
}

/** What fresh data made of an adopted configuration. */
export type AdoptionEnd =
  | 'confirmed'
  /** It was not shown to be good again, or its promotion was taken back. */
  | 'refuted'
  /** It broke a limit. */
  | 'unsafe'
  /** The confirmation could not be judged. */
  | 'unconfirmed';

export interface Tuners {
  /** @throws when the optimizer cannot be set up: tuning ends then, not the run */
  create(incumbent: StackConfiguration, facts: TuningFacts): Tuner;
  /**
   * What later runs may learn once the configuration that the run adopted did not last in production: its
   * session and all others that had adopted the same, as they are to be remembered now.
   * @param sessions of the run's service
   */
  takenBack(runId: string, sessions: readonly LearntSession[]): readonly LearntSession[];
}

/** The only way from stored values back to a configuration, and the legal starting point. */
export interface Configurations {
  /** @throws when the values break a rule of the stack */
  parse(values: unknown): StackConfiguration;
  stock(): StackConfiguration;
}
