/**
 * What the API calls. Rights are the API's; the rules of runs and promotions are kept here.
 * `actor` is the name that belongs to the caller's token.
 */
import type { RunEvent, RunRequest, RunView } from './run.ts';
import type {
  InForce,
  JudgementRecord,
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
} from './run-store.ts';

export type RefusalCode =
  | 'unknown-run'
  | 'unknown-service'
  | 'unknown-build'
  | 'unknown-configuration'
  | 'unknown-promotion'
  | 'invalid-threshold'
  | 'invalid-workload'
  | 'loosened'
  | 'no-production'
  | 'no-reference'
  | 'reference-promotes'
  | 'capacity-beside-production'
  | 'not-judged'
  | 'judged-rollback'
  | 'expired'
  | 'finished'
  | 'nothing-to-promote'
  | 'promotion-running'
  | 'not-finished'
  | 'no-measurement'
  | 'samples-gone'
  | 'too-many-judgements'
  | 'unsupported';

/** A request that cannot be carried out as it stands: what was wrong, where, and what to do. */
export class RefusedError extends Error {
  readonly code: RefusalCode;
  /** JSON pointer into the request, where one field is to blame. */
  readonly field?: string;
  constructor(code: RefusalCode, message: string, field?: string) {
    super(message);
    this.name = 'RefusedError';
    this.code = code;
    if (field !== undefined) this.field = field;
  }
}

export interface Submission {
  readonly run: RunView;
  /** False when the Idempotency-Key was known and the earlier run is answered. */
  readonly created: boolean;
  /** Runs before this one in the queue, the running one included. */
  readonly ahead: number;
}

export interface OverrideOrder {
  readonly order: 'promote' | 'rollback';
  /** At least 10 characters. */
  readonly reason: string;
  /** ISO 8601: latest moment at which the override may act. */
  readonly expiresAt: string;
}

export interface PromotionOrder {
  /** SHA-256 of the build, lower-case hex. */
  readonly build: string;
  /** Hash of the stack configuration. */
  readonly configuration: string;
  readonly reason: string;
}

/** Stored samples judged again. */
export interface RejudgeRequest {
  readonly thresholds: readonly string[];
  readonly shown?: readonly string[];
  /** `optional`: what is missing of the controls is said, and does not make it `invalid`. Default `required`. */
  readonly controls?: 'required' | 'optional';
  /** The run's own unless told. */
  readonly seed?: number;
  /** Id; that of the measurement that the decision rests on unless told. */
  readonly measurement?: string;
}

export interface ReferenceOrder {
  /** SHA-256 of an uploaded build, lower-case hex. */
  readonly build: string;
  readonly reason: string;
}

export interface ServiceView {
  readonly name: string;
  readonly description: string;
  readonly inForce?: InForce;
  readonly lastKnownGood?: InForce;
  /** What `against: reference` compares with. */
  readonly reference?: ReferenceRecord;
  readonly latestRun?: RunView;
  /** Promotion that is under way. */
  readonly promotion?: PromotionRecord;
}

export interface RunService {
  /** @throws RefusedError, IdempotencyConflictError */
  submit(request: RunRequest, actor: string, idempotencyKey?: string): Promise<Submission>;
  get(id: string): Promise<RunView | undefined>;
  /** Newest first. */
  list(filter: { readonly service?: string }, page: PageRequest): Promise<Page<RunView>>;
  /** Events with a sequence above `after`, rising; at most 1000. */
  events(id: string, after: number): Promise<readonly RunEvent[]>;
  /** Events from now on, in order. Replay `events` after subscribing and drop what came twice by sequence. */
  subscribe(id: string, listener: (event: RunEvent) => void): () => void;
  /** The run ends in rollback, cause `cancelled`; no effect on a finished run. @throws RefusedError unknown-run */
  cancel(id: string, actor: string): Promise<RunView>;
  /**
   * Stores the order beside the decision, and acts on it: at once on a finished run, else when the run ends.
   * @throws RefusedError
   */
  override(id: string, order: OverrideOrder, actor: string): Promise<RunView>;
  /**
   * Judges a finished run's samples again: a new judgement, linked to the first, which stays. Decides
   * and promotes nothing.
   * @throws RefusedError
   */
  rejudge(id: string, request: RejudgeRequest, actor: string): Promise<JudgementRecord>;
  /**
   * Starts a promotion of a judged (build, configuration), or of the last known good, and answers at once.
   * @throws RefusedError
   */
  promote(service: string, order: PromotionOrder, actor: string): Promise<PromotionRecord>;
  /** Anchors the release that runs with `against: reference` compare with. @throws RefusedError */
  setReference(service: string, order: ReferenceOrder, actor: string): Promise<ReferenceRecord>;
  promotion(id: string): Promise<PromotionRecord | undefined>;
  services(): Promise<readonly ServiceView[]>;
  service(name: string): Promise<ServiceView | undefined>;
  /** What was in force, newest first. @throws RefusedError unknown-service */
  history(service: string, page: PageRequest): Promise<Page<InForce>>;
}
