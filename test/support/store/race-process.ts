/**
 * One of several processes on one SQLite file: writes as fast as it can, and says as JSON which leases it held.
 * Arguments: the file, a name, how often.
 */
import { openStore } from '../../../gate-service/src/store/store.ts';

const [file = '', name = '', times = '0'] = process.argv.slice(2);
const store = await openStore({ file });
const tokens: number[] = [];
for (let n = 0; n < Number(times); n += 1) {
  const message = `${name}-${n}`;
  const at = new Date().toISOString();
  await store.appendEvent({ runId: 'run-1', at, type: 'progress', message, data: {} });
  await store.appendAudit({ at, actor: name, action: 'race', subject: message, data: { n } });
  const lease = await store.acquireLease('driver', message, 60);
  if (lease === undefined) continue;
  tokens.push(lease.token);
  await store.releaseLease(lease);
}
await store.close();
console.log(JSON.stringify(tokens));
