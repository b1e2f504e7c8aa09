/** Port to the sender: a process of its own that sends pairs of requests and streams samples back. */
import type { ArmName, MeasurementEnd, Sample, SenderCounters, WindowFitness } from './sample.ts';
import type { Workload } from './workload.ts';

export interface SenderArm {
  readonly name: ArmName;
  /** Request headers that route to this arm. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A worker's part of a measurement that several send together. */
export interface WorkerShare {
  /** From 0 to `of` - 1. */
  readonly place: number;
  /** Workers that share the arrivals out among them. */
  readonly of: number;
}

export interface MeasurementPlan {
  /** Service of the catalogue that is measured, for senders that run where its arms do. */
  readonly service?: string;
  /** Where the requests go: a loopback or cluster address, never one from a request. */
  readonly target: { readonly host: string; readonly port: number };
  /** Host header. */
  readonly authority: string;
  /** Exactly two: each adjacent pair of requests goes to both in random order. */
  readonly arms: readonly [SenderArm, SenderArm];
  /** Short block at the end with a real delay for this arm's requests: the positive control. */
  readonly planted?: SenderArm & {
    readonly windows: number;
    /** Unless {@link SenderListener.plantedBlock} says another one. */
    readonly delayMs: number;
    /** The block waits for its delay; set by the sender for a listener that says it. */
    readonly held?: boolean;
  };
  readonly workload: Workload;
  /** Pairs per second; requests per second are twice that. */
  readonly pairsPerSecond: number;
  readonly arrivals: 'poisson' | 'constant';
  readonly windowSeconds: number;
  readonly windows: number;
  /**
   * Most windows that may be added for spoilt ones, 0 to 0.43 × windows, so that at most 30 % of all are
   * replaced; 0 when absent. {@link SenderListener.windowsWanted} asks for them.
   */
  readonly replacements?: number;
  /**
   * For arms that cannot be up together: whole blocks go to one arm. A couple of blocks, in random
   * order, makes one window, so that `windowSeconds` is twice the seconds (2–5) of a block; an arm gets
   * `pairsPerSecond` requests per second in its block. Absent: request by request, far less noisy.
   */
  readonly blocks?: { readonly seconds: number };
  readonly warmup: {
    readonly minSeconds: number;
    readonly maxSeconds: number;
    readonly minRequests: number;
  };
  readonly limits: {
    readonly connections: number;
    readonly requestTimeoutMs: number;
    readonly maxSeconds: number;
  };
  /** 0–1: share of requests sent on a fresh connection. */
  readonly freshConnections: number;
  readonly seed: number;
  /** What the requests' trace ids are made of; the seed unless told. The same for all workers of a measurement. */
  readonly traceSeed?: number;
  /**
   * Processes of the measurement and of the service under test; what they and their descendants use is
   * not foreign. The sender itself and its parent never are.
   */
  readonly ownPids?: readonly number[];
  /**
   * The sender runs in a container and the nodes run in others, maybe on other machines: foreign CPU cannot
   * be told there, and is not asked for. Whoever takes the sender's cores shows in its wait for them.
   */
  readonly contained?: boolean;
  /**
   * The part of one of several workers, whose windows and phases somebody else begins for all. The rate and
   * the connections are this worker's own already.
   */
  readonly share?: WorkerShare;
  /** Response header by which a node names itself; `x-speed-gate-node` when absent. */
  readonly launchHeader?: string;
}

/** What the sender reports while it sends. */
export interface WindowReport {
  readonly window: number;
  readonly samples: readonly Sample[];
  readonly fitness: WindowFitness;
}

export interface SenderResult {
  readonly counters: SenderCounters;
  /** False when the paired difference never stopped trending: the comparison is inconclusive. */
  readonly steady: boolean;
  readonly ended?: MeasurementEnd;
  /** Path of the sample file. */
  readonly file: string;
}

export interface SenderListener {
  window(report: WindowReport): void;
  /** Something that a person should know and that does not end the measurement: a worker was lost. */
  said?(message: string): void;
  /**
   * How many windows are to be sent in all, from `windows` to `windows + replacements` of the plan; asked
   * after each report. What was wanted once stays wanted. Absent: the planned ones.
   */
  windowsWanted?(): number;
  /**
   * Asked once, when the last counted window has been reported and a planted block follows. Resolves when
   * the proxy has the delay; nothing is sent until then. When it rejects, or takes longer than 30 s, the
   * measurement fails. Absent: the plan's delay, which the proxy has already.
   */
  plantedBlock?(): Promise<PlantedBlock>;
}

/** The positive control, as it is decided when the counted windows are known. */
export interface PlantedBlock {
  /** The delay that requests meet; above 0. */
  readonly delayMs: number;
  /** Every second pair only: both requests of its pairs go to the one arm, which may not carry twice its load. */
  readonly half: boolean;
}

export interface Sender {
  /**
   * Sends until the wanted windows are done, `signal` aborts, or `listener` has asked to stop: then the
   * window in progress ends and the planted block follows, if one is planned.
   * @param file where the samples go (`.csv.gz`)
   * @throws when the sender process dies or the target does not answer
   */
  measure(
    plan: MeasurementPlan,
    file: string,
    listener: SenderListener & { stopRequested(): boolean },
    signal: AbortSignal,
  ): Promise<SenderResult>;
}
