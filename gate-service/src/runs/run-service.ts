/**
 * What the API calls. Rights are the API's; the rules of runs and promotions are kept here.
 * `actor` is the name that belongs to the caller's token.
 */
import type { Driving } from './driving.ts';
import type { QueueEntry } from './queue.ts';
import type { RunEvent, RunInShort, RunRequest, RunView } from './run.ts';
import type {
  InForce,
  JudgementRecord,
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
  RunFilter,
  TrendPoint,
} from './run-store.ts';
import type { ConfigurationView, DecisionView, ServiceView } from './service-views.ts';

export type { ConfigurationView, DecisionView, ServiceView } from './service-views.ts';
export type { QueueEntry } from './queue.ts';

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
  | 'superseded'
  | 'expired'
  | 'expires-too-late'
  | 'reason-too-short'
  | 'own-run'
  | 'person-needed'
  | 'stale-decision'
  | 'queue-full'
  | 'too-many-attempts'
  | 'tuning-too-long'
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

export interface SubmitOptions {
  /** Whether the caller may ask for less than the catalogue. Default false. */
  readonly mayLoosen?: boolean;
  /** Whether the caller may run a build more often than the catalogue allows. Default false. */
  readonly mayRepeat?: boolean;
}

export interface OverrideOrder {
  readonly order: 'promote' | 'rollback';
  /** At least 10 characters. */
  readonly reason: string;
  /** ISO 8601: latest moment at which the override may act; at most 7 days ahead. Default: in an hour. */
  readonly expiresAt?: string;
  /** `revision` of the run as the person has seen it; anything else now is refused. Absent: not checked. */
  readonly seen?: string;
}

export interface PromotionOrder {
  /** SHA-256 of the build, lower-case hex. */
  readonly build: string;
  /** Hash of the stack configuration. */
  readonly configuration: string;
  readonly reason: string;
  /** Whether a person gives it, by a token of his own; where the catalogue asks for four eyes, a pass takes one. */
  readonly byPerson?: boolean;
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

export interface RunService {
  /** @throws RefusedError, IdempotencyConflictError */
  submit(
    request: RunRequest,
    actor: string,
    idempotencyKey?: string,
    options?: SubmitOptions,
  ): Promise<Submission>;
  get(id: string): Promise<RunView | undefined>;
  /** Newest first. */
  list(filter: RunFilter, page: PageRequest): Promise<Page<RunInShort>>;
  /** What is under way, then what waits in the order of its turn; of all services. */
  queue(): Promise<readonly QueueEntry[]>;
  /** Events with a sequence above `after`, rising; at most 1000. */
  events(id: string, after: number): Promise<readonly RunEvent[]>;
  /** Events from now on, in order. Replay `events` after subscribing and drop what came twice by sequence. */
  subscribe(id: string, listener: (event: RunEvent) => void): () => void;
  /** The run ends in rollback, cause `cancelled`; no effect on a finished run. @throws RefusedError unknown-run */
  cancel(id: string, actor: string): Promise<RunView>;
  /**
   * Stores the order beside the decision; the replica that drives acts on it when the run has its decision,
   * unless it expired before.
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
   * Orders the promotion of a judged (build, configuration), or of the last known good, and answers at once.
   * @throws RefusedError
   */
  promote(service: string, order: PromotionOrder, actor: string): Promise<PromotionRecord>;
  /** Anchors the release that runs with `against: reference` compare with. @throws RefusedError */
  setReference(service: string, order: ReferenceOrder, actor: string): Promise<ReferenceRecord>;
  promotion(id: string): Promise<PromotionRecord | undefined>;
  /** Newest first. @throws RefusedError unknown-service */
  promotions(service: string, page: PageRequest): Promise<Page<PromotionRecord>>;
  /** Names of the services of the catalogue, in its order. */
  serviceNames(): readonly string[];
  services(): Promise<readonly ServiceView[]>;
  service(name: string): Promise<ServiceView | undefined>;
  /** What was in force, newest first. @throws RefusedError unknown-service */
  history(service: string, page: PageRequest): Promise<Page<InForce>>;
  /** Finished runs in short, newest first. @throws RefusedError unknown-service */
  decisions(service: string, page: PageRequest): Promise<Page<DecisionView>>;
  /** Effects of the last finished runs, newest first. @throws RefusedError unknown-service */
  trend(service: string, limit: number): Promise<readonly TrendPoint[]>;
  /** The stack configurations in force and before. @throws RefusedError unknown-service */
  configuration(service: string): Promise<ConfigurationView>;
  /** Which replica drives runs and promotions. */
  driving(): Driving;
}
