/**
 * The tables as Kysely sees them. Only text and whole numbers, so that SQLite and PostgreSQL store the
 * same: instants are ISO 8601 text in UTC (they sort as they read), structures are JSON text.
 */

export interface BuildTable {
  digest: string;
  location: string;
  size_bytes: number;
  uploaded_by: string;
  uploaded_at: string;
}

export interface ConfigurationTable {
  hash: string;
  /** JSON of the knob values. */
  knob_values: string;
}

export interface RunTable {
  id: string;
  service: string;
  build: string;
  label: string | null;
  request: string;
  settings: string;
  requested_by: string;
  created_at: string;
  version: number;
  phase: string;
  phases: string;
  baseline: string | null;
  configuration: string | null;
  judgement_id: string | null;
  code_judgement_id: string | null;
  configuration_judgement_id: string | null;
  promotion_id: string | null;
  superseded_by: string | null;
  /** JSON of the end that is known but not cleaned up after. */
  ending: string | null;
  decision: string | null;
  cause: string | null;
  summary: string | null;
  finished_at: string | null;
  cancel_actor: string | null;
  cancel_at: string | null;
}

export interface IdempotencyKeyTable {
  actor: string;
  key: string;
  request_hash: string;
  run_id: string;
  created_at: string;
}

export interface RunEventTable {
  run_id: string;
  sequence: number;
  at: string;
  type: string;
  message: string;
  data: string;
}

export interface IntentTable {
  id: string;
  /** Order of storing, because two intents may carry the same instant. */
  position: number;
  service: string;
  run_id: string | null;
  promotion_id: string | null;
  kind: string;
  at: string;
  data: string;
  /** JSON of the outcome; null while it is open. */
  outcome: string | null;
}

export interface AttemptTable {
  run_id: string;
  number: number;
  record: string;
}

export interface MeasurementTable {
  id: string;
  run_id: string;
  attempt: number;
  started_at: string;
  ended_at: string;
  record: string;
  samples_pruned_at: string | null;
}

export interface JudgementTable {
  id: string;
  run_id: string;
  measurement_id: string;
  at: string;
  record: string;
}

export interface JudgedPairTable {
  service: string;
  build: string;
  configuration_hash: string;
  run_id: string;
  judgement_id: string;
  decision: string;
  cause: string;
  at: string;
}

export interface PromotionTable {
  id: string;
  service: string;
  build: string;
  configuration_hash: string;
  origin: string;
  run_id: string | null;
  actor: string;
  reason: string;
  created_at: string;
  version: number;
  state: string;
  stage: string;
  current_arm_id: string | null;
  canary_arm_id: string | null;
  steps: string;
  summary: string | null;
  finished_at: string | null;
}

export interface ServiceStateTable {
  service: string;
  version: number;
  in_force: string | null;
  last_known_good: string | null;
}

export interface ServiceHistoryTable {
  service: string;
  position: number;
  build: string;
  configuration_hash: string;
  arm_id: string;
  since: string;
  promotion_id: string;
}

export interface ServiceReferenceTable {
  service: string;
  build: string;
  actor: string;
  reason: string;
  at: string;
}

export interface RunOverrideTable {
  id: string;
  run_id: string;
  order: string;
  actor: string;
  reason: string;
  at: string;
  expires_at: string;
  state: string;
  outcome: string | null;
  cause: string | null;
}

export interface AuditTable {
  sequence: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  service: string | null;
  reason: string | null;
  data: string;
  previous_hash: string;
  hash: string;
}

export interface LeaseTable {
  name: string;
  /** Empty when it was released; the row stays, so that the token goes on rising. */
  holder: string;
  token: number;
  /** Milliseconds since 1970 by the database's clock. */
  expires_ms: number;
}

export interface DeliveryTable {
  id: string;
  endpoint: string;
  subject: string;
  type: string;
  body: string;
  created_at: string;
  state: string;
  attempts: number;
  next_at: string;
  last_answer: string | null;
  claimed_by: string | null;
  claimed_until: string | null;
}

export interface TuningTable {
  run_id: string;
  start: number;
  service: string;
  at: string;
  view: string;
  space: string | null;
  session: string | null;
}

export interface Schema {
  builds: BuildTable;
  configurations: ConfigurationTable;
  runs: RunTable;
  idempotency_keys: IdempotencyKeyTable;
  run_events: RunEventTable;
  intents: IntentTable;
  attempts: AttemptTable;
  measurements: MeasurementTable;
  judgements: JudgementTable;
  judged_pairs: JudgedPairTable;
  promotions: PromotionTable;
  service_state: ServiceStateTable;
  service_history: ServiceHistoryTable;
  service_references: ServiceReferenceTable;
  run_overrides: RunOverrideTable;
  audit: AuditTable;
  leases: LeaseTable;
  deliveries: DeliveryTable;
  tunings: TuningTable;
}
