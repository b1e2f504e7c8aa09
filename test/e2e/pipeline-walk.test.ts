/** From a push to production through the pipeline's steps: promoted, rolled back, and overridden by a person. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InForce } from '../../gate-service/src/runs/run-store.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { components, SERVICE, startGate, type TestGate } from '../support/gate-fixture.ts';
import { until } from '../support/processes.ts';
import { ProductionWatch } from '../faults/production-watch.ts';
import { playJenkinsfile } from './pipeline-fixture.ts';

const ASK = `service: '${SERVICE}', build: 'app.war', profile: 'quick', tune: 'off'`;
/** A run whose machine is not left alone ends `invalid`, as it should; then it is asked for again. */
const TRIES = 3;
const AGAIN = `int t = 1; t <= ${TRIES} && (verdict == null || verdict.cause == 'invalid'); t++`;

let gate: TestGate;
let users: ProductionWatch;
let first: InForce;

beforeAll(async () => {
  gate = await startGate({
    rate: 40,
    service: {
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      promotion: { default: 'auto', stepSeconds: 2, holdSeconds: 2, minimumRequests: 20 },
    },
  });
  users = new ProductionWatch(gate);
  await users.served(10);
  first = (await gate.service()).inForce!;
});

afterAll(async () => {
  await users.stop();
  await gate.close();
});

async function latestRun(): Promise<RunView> {
  const { body } = await gate.call<{ items: { id: string }[] }>('GET', '/v1/runs?limit=1');
  return gate.run(body.items[0]!.id);
}

it('a good push is started on a node, waited for on none, and promoted', async () => {
  const { result, log } = await playJenkinsfile(
    gate,
    `def verdict
for (${AGAIN}) {
  def run
  node { run = speedGateStart(${ASK}, promote: 'auto', gateId: "try \${t}") }
  verdict = speedGateWait(run: run, failBuild: false)
}
echo "verdict \${verdict.decision} of \${verdict.runId}"
`,
    components.wars['1.1'].path,
  );
  const run = await latestRun();
  expect(run, log).toMatchObject({ decision: 'promote', cause: 'met' });
  expect(result).toBe('SUCCESS');
  expect(log).toContain(`[speedGate] promote (met): ${run.summary}`);
  expect(log).toContain(`verdict promote of ${run.id}`);
  for (const { sentence } of run.evidence) expect(log).toContain(sentence);
  for (const { message, type } of await gate.events(run.id)) {
    if (type !== 'progress') expect(log).toContain(`[speedGate] ${message}`);
  }
  expect(await gate.productionVersion()).toBe('1.1');
  expect(log).not.toContain(gate.token);
});

it('a slow push is rolled back; a person orders it into production all the same, and the decision stays', async () => {
  const before = (await gate.service()).inForce!;
  const version = await gate.productionVersion();
  let ordered: Promise<unknown> | undefined;
  const { result, log } = await playJenkinsfile(
    gate,
    `def verdict
for (${AGAIN}) {
  node { verdict = speedGate(${ASK}, thresholds: ['p50 <= baseline + 5%', 'errors < 5%'], failBuild: false, gateId: "try \${t}") }
}
echo 'nothing was changed'
def order = speedGateOverride(run: verdict, where: 'gate', milestone: false, timeoutMinutes: 4)
echo "order \${order.state} by \${order.actor}"
`,
    components.wars['1.2'].path,
    {
      onLine: (line) => {
        if (!line.includes('nothing was changed')) return;
        ordered = (async () => {
          expect((await gate.service()).inForce).toEqual(before);
          expect(await gate.productionVersion()).toBe(version);
          return orderPromotion((await latestRun()).id);
        })();
      },
    },
  );
  const run = await latestRun();
  expect(run, log).toMatchObject({
    decision: 'rollback',
    cause: 'breached',
    override: { actor: 'approver', state: 'acted' },
  });
  await ordered;
  expect(result).toBe('SUCCESS');
  expect(log).toContain(`speedGate: rollback (breached): ${run.summary}`);
  expect(log).toContain('order acted by approver');
  await until('the order has brought the build into production', async () =>
    (await gate.productionVersion()) === '1.2' ? true : undefined,
  );
  expect((await gate.service()).inForce!.build).not.toBe(first.build);
});

/** As the form of the dashboard gives it: by a person, having seen how the run stands. */
async function orderPromotion(id: string): Promise<void> {
  const seen = await gate.call('GET', `/v1/runs/${id}`);
  const { status } = await gate.call('POST', `/v1/runs/${id}/override`, {
    token: gate.approverToken,
    headers: { 'if-match': String(seen.headers.etag) },
    json: { order: 'promote', reason: 'a test of the order beside a rollback' },
  });
  expect(status).toBe(202);
}
