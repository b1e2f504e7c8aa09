/** What runs leave behind besides evidence: intents, promotions, overrides, the audit and messages. */
import type { Insertable, Transaction } from 'kysely';
import { auditHash, NO_PREVIOUS_HASH } from '../../../gate-service/src/runs/run-store.ts';
import { encode } from '../../../gate-service/src/store/json.ts';
import type { Schema } from '../../../gate-service/src/store/schema.ts';
import { at, buildOf, endOf, idOf, personOf, serviceOf, share } from './made-up.ts';

const INTENTS = ['deploy', 'deploy', 'route-measurement', 'deploy', 'restore', 'remove'];
const ENDPOINTS = ['chat', 'tickets'];
const OVERRIDDEN = 0.01;
/** Below the number of parameters that either database takes in a statement. */
const ROWS = 1000;

type Row<Table extends keyof Schema> = Insertable<Schema[Table]>;

export class Operations {
  #sequence = 0;
  #hash = NO_PREVIOUS_HASH;

  /** In the order of the runs: the audit is a chain. */
  async insert(trx: Transaction<Schema>, numbers: readonly number[]): Promise<void> {
    const promoted = numbers.filter((n) => endOf(n).decision === 'promote');
    const overridden = numbers.filter((n) => share(n, 'override') < OVERRIDDEN);
    for (const rows of parts(numbers.flatMap(intentsOf))) {
      await trx.insertInto('intents').values(rows).execute();
    }
    for (const rows of parts(numbers.flatMap(deliveriesOf))) {
      await trx.insertInto('deliveries').values(rows).execute();
    }
    for (const rows of parts(numbers.flatMap((n) => this.#auditOf(n)))) {
      await trx.insertInto('audit').values(rows).execute();
    }
    for (const rows of parts(promoted.map(promotionOf))) {
      await trx.insertInto('promotions').values(rows).execute();
    }
    for (const rows of parts(overridden.map(overrideOf))) {
      await trx.insertInto('run_overrides').values(rows).execute();
    }
  }

  #auditOf(n: number): Row<'audit'>[] {
    const acts = [
      'build.upload',
      'run.submit',
      ...(endOf(n).decision === 'promote' ? ['promotion.end'] : []),
    ];
    return acts.map((action, place) => {
      const previousHash = this.#hash;
      const data = { build: buildOf(n), label: `1.${n}` };
      this.#sequence += 1;
      const entry = {
        sequence: this.#sequence,
        at: at(n, place),
        actor: personOf(n),
        action,
        subject: action === 'build.upload' ? buildOf(n) : idOf(n),
        service: serviceOf(n),
      };
      this.#hash = auditHash(previousHash, { ...entry, data });
      return {
        ...entry,
        reason: null,
        data: encode(data),
        previous_hash: previousHash,
        hash: this.#hash,
      };
    });
  }
}

function* parts<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += ROWS) yield rows.slice(from, from + ROWS);
}

function intentsOf(n: number): Row<'intents'>[] {
  return INTENTS.map((kind, place) => ({
    id: `intent-${n}-${place}`,
    position: n * INTENTS.length + place + 1,
    service: serviceOf(n),
    run_id: idOf(n),
    promotion_id: null,
    kind,
    at: at(n, place * 10),
    data: encode({
      arm: `candidate-${n}`,
      build: buildOf(n),
      configurationHash: 'stock',
      nodes: 2,
    }),
    outcome: encode({ at: at(n, place * 10 + 5), succeeded: true, message: 'done', data: {} }),
  }));
}

function deliveriesOf(n: number): Row<'deliveries'>[] {
  const given = share(n, 'given up') < 0.001;
  return ENDPOINTS.map((endpoint) => ({
    id: `delivery-${n}-${endpoint}`,
    endpoint,
    subject: idOf(n),
    type: 'decision',
    body: encode({
      type: 'decision',
      run: idOf(n),
      service: serviceOf(n),
      ...endOf(n),
      summary: 'Every threshold is met.',
    }),
    created_at: at(n, 80),
    state: given ? 'given-up' : 'delivered',
    attempts: given ? 12 : 1,
    next_at: at(n, 80),
    last_answer: given ? '500: out of order' : '204',
    claimed_by: null,
    claimed_until: null,
  }));
}

function promotionOf(n: number): Row<'promotions'> {
  return {
    id: `promotion-${n}`,
    service: serviceOf(n),
    build: buildOf(n),
    configuration_hash: 'stock',
    origin: 'run',
    run_id: idOf(n),
    actor: personOf(n),
    reason: 'every threshold is met',
    created_at: at(n, 70),
    version: 12,
    state: 'completed',
    stage: 'ended',
    current_arm_id: `current-${n}`,
    canary_arm_id: `canary-${n}`,
    steps: encode(
      [1, 5, 25, 50, 100].map((weight) => ({
        weight,
        startedAt: at(n, 70),
        endedAt: at(n, 75),
        sentence: 'as before',
      })),
    ),
    summary: 'in force',
    finished_at: at(n, 80),
  };
}

function overrideOf(n: number): Row<'run_overrides'> {
  return {
    id: `override-${n}`,
    run_id: idOf(n),
    order: 'rollback',
    actor: personOf(n),
    reason: 'seen in production',
    at: at(n, 90),
    expires_at: at(n, 3600),
    state: 'stands',
    outcome: null,
    cause: endOf(n).cause,
  };
}
