/** Does the database answer, is it of this version, and is its audit whole? Nothing is changed. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../../store/store.ts';
import type { Store, StoreOptions } from '../../store/store.ts';
import { verifyAudit } from '../../store/verify-audit.ts';
import { withoutSecrets } from '../logger.ts';
import { areaOf, wordsOf } from './finding.ts';
import type { Finding } from './finding.ts';

/** The newest entries of the audit; `speed-gate audit verify` walks all of it. */
const AUDIT_ENTRIES = 2_000;
const PING_MS = 5_000;

/** @param databaseUrl absent: the file in the state folder */
export async function checkStore(
  stateDirectory: string,
  databaseUrl: string | undefined,
): Promise<readonly Finding[]> {
  const area = areaOf('store');
  const file = join(stateDirectory, 'speed-gate.sqlite');
  if (databaseUrl === undefined && !(await exists(file))) {
    return [area.ok(`${file} is not there yet: the first start makes it`)];
  }
  const options: StoreOptions = databaseUrl === undefined ? { file } : { url: databaseUrl };
  let store: Store;
  try {
    store = await openStore({ ...options, migrate: false });
  } catch (error) {
    const words = withoutSecrets(wordsOf(error));
    return [
      words.includes('empty or of an older version')
        ? area.warning(words, 'the next start brings it to this version; keep a copy before')
        : area.problem(
            words,
            'see that the database is up and that this user may use it, or restore a copy',
          ),
    ];
  }
  try {
    await store.ping(PING_MS);
    return [
      area.ok(`${store.location} answers and is of this version`),
      await audit(store),
      ...(await deliveries(store)),
    ];
  } catch (error) {
    return [area.problem(withoutSecrets(wordsOf(error)), 'see that the database is up')];
  } finally {
    await store.close();
  }
}

async function audit(store: Store): Promise<Finding> {
  const area = areaOf('audit');
  const { items } = await store.audit({}, { limit: 1 });
  const last = items[0]?.sequence ?? 0;
  const from = Math.max(1, last - AUDIT_ENTRIES + 1);
  const { broken, entries } = await verifyAudit(store, { from });
  if (broken !== undefined) {
    return area.problem(
      `the audit is broken: ${broken.sentence}`,
      'keep a copy of the database as it is, and compare with the last backup: speed-gate audit verify',
    );
  }
  return area.ok(
    from === 1
      ? `whole: ${entries} entries`
      : `the newest ${entries} of ${last} entries are whole; speed-gate audit verify walks all`,
  );
}

async function deliveries(store: Store): Promise<readonly Finding[]> {
  const area = areaOf('webhooks');
  const lost = (await store.deliveryCounts()).filter(({ state }) => state === 'given-up');
  return lost.map(({ deliveries: count, endpoint }) =>
    area.warning(
      `${count} messages to ${endpoint} were given up`,
      'see why with GET /v1/deliveries?state=given-up, and POST /v1/deliveries/ID/retry',
    ),
  );
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
