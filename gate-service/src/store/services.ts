import type { Kysely, Selectable, Transaction } from 'kysely';
import { VersionConflictError } from '../runs/run-store.ts';
import type { InForce, ReferenceRecord, RunStore, ServiceState } from '../runs/run-store.ts';
import { batched } from './batch.ts';
import { serialise } from './dialect.ts';
import { decode, encodeOptional } from './json.ts';
import { decodeNumberCursor, encodeNumberCursor, toPage } from './pages.ts';
import type { Schema, ServiceStateTable } from './schema.ts';

type Part = Pick<
  RunStore,
  'serviceState' | 'saveServiceState' | 'serviceHistory' | 'saveReference' | 'reference'
>;

/** What is in force in production, where the way back leads, and all that ever was in force. */
export function serviceQueries(db: Kysely<Schema>): Part {
  const states = async (
    services: readonly string[],
    on: Kysely<Schema> = db,
  ): Promise<ReadonlyMap<string, ServiceState>> => {
    const rows = await on
      .selectFrom('service_state')
      .selectAll()
      .where('service', 'in', services)
      .execute();
    return new Map(rows.map((row) => [row.service, rowToState(row)]));
  };
  const state = async (service: string, on: Kysely<Schema>): Promise<ServiceState> =>
    (await states([service], on)).get(service) ?? { service, version: 0 };
  const stateAmongOthers = batched<ServiceState | undefined>(states, undefined);

  return {
    serviceState: async (service) => (await stateAmongOthers(service)) ?? { service, version: 0 },

    saveServiceState: (service, expectedVersion, next) =>
      db.transaction().execute(async (trx) => {
        await serialise(trx, `state of ${service}`);
        const before = await state(service, trx);
        if (before.version !== expectedVersion) {
          throw new VersionConflictError('service', service, expectedVersion);
        }
        const row = {
          version: expectedVersion + 1,
          in_force: encodeOptional(next.inForce),
          last_known_good: encodeOptional(next.lastKnownGood),
        };
        if (expectedVersion === 0) {
          await trx
            .insertInto('service_state')
            .values({ service, ...row })
            .execute();
        } else {
          const { numUpdatedRows } = await trx
            .updateTable('service_state')
            .set(row)
            .where('service', '=', service)
            .where('version', '=', expectedVersion)
            .executeTakeFirst();
          if (numUpdatedRows === 0n) {
            throw new VersionConflictError('service', service, expectedVersion);
          }
        }
        if (next.inForce !== undefined && !sameSpell(before.inForce, next.inForce)) {
          await appendHistory(trx, service, next.inForce);
        }
        return state(service, trx);
      }),

    async saveReference(reference) {
      const { service, ...row } = reference;
      await db
        .insertInto('service_references')
        .values({ service, ...row })
        .onConflict((conflict) => conflict.column('service').doUpdateSet(row))
        .execute();
    },

    reference: batched<ReferenceRecord | undefined>(async (services) => {
      const rows = await db
        .selectFrom('service_references')
        .selectAll()
        .where('service', 'in', services)
        .execute();
      return new Map(rows.map((row) => [row.service, { ...row }]));
    }, undefined),

    async serviceHistory(service, page) {
      let query = db.selectFrom('service_history').selectAll().where('service', '=', service);
      if (page.cursor !== undefined) {
        query = query.where('position', '<', decodeNumberCursor(page.cursor));
      }
      const rows = await query
        .orderBy('position', 'desc')
        .limit(page.limit + 1)
        .execute();
      return toPage(
        rows,
        page.limit,
        (row): InForce => ({
          build: row.build,
          configurationHash: row.configuration_hash,
          armId: row.arm_id,
          since: row.since,
          promotionId: row.promotion_id,
        }),
        (last) => encodeNumberCursor(last.position),
      );
    },
  };
}

function rowToState(row: Selectable<ServiceStateTable>): ServiceState {
  return {
    service: row.service,
    version: row.version,
    ...(row.in_force !== null && { inForce: decode(row.in_force) as InForce }),
    ...(row.last_known_good !== null && { lastKnownGood: decode(row.last_known_good) as InForce }),
  };
}

/** Whether both mean one and the same stay in force, so that it is not listed twice. */
function sameSpell(before: InForce | undefined, after: InForce): boolean {
  return (
    before?.armId === after.armId &&
    before.build === after.build &&
    before.configurationHash === after.configurationHash &&
    before.promotionId === after.promotionId
  );
}

async function appendHistory(
  trx: Transaction<Schema>,
  service: string,
  inForce: InForce,
): Promise<void> {
  const last = await trx
    .selectFrom('service_history')
    .select((expression) => expression.fn.max('position').as('position'))
    .where('service', '=', service)
    .executeTakeFirst();
  await trx
    .insertInto('service_history')
    .values({
      service,
      position: (last?.position ?? 0) + 1,
      build: inForce.build,
      configuration_hash: inForce.configurationHash,
      arm_id: inForce.armId,
      since: inForce.since,
      promotion_id: inForce.promotionId,
    })
    .execute();
}
