/** A gate in the cluster as its chart installs it: whole runs with no right but those that the chart gives, sent by Jobs. */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { findArms } from '../../gate-service/src/platforms/kubernetes/arms/list.ts';
import { EVENT } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { JOB } from '../../gate-service/src/platforms/kubernetes/jobs/job.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { gatewayUrl } from '../support/cluster/layout.ts';
import { SERVICE } from '../support/gate-fixture.ts';
import { chartGateBed, type ChartGateBed } from './support/chart-gate-bed.ts';
import { decided } from './support/decided.ts';
import { SteadyLoad } from './support/steady-load.ts';

/** Users' requests a second all the while; more would take the cores that the measurement needs on this machine. */
const USERS_PER_SECOND = 20;

// Each test is a whole run, or a few.
vi.setConfig({ testTimeout: 900_000 });

let bed: ChartGateBed;
let users: SteadyLoad;

beforeAll(async () => {
  bed = await chartGateBed(
    {
      nodes: { staging: 1, production: 1 },
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      shown: [],
      promotion: { default: 'auto', stepSeconds: 10, holdSeconds: 10, minimumRequests: 20 },
    },
    40,
  );
  users = new SteadyLoad(`${gatewayUrl('production')}/cart?id=1`, bed.host, USERS_PER_SECOND);
  await users.next(USERS_PER_SECOND);
}, 1_800_000);

afterAll(async () => {
  await users.stop();
  console.log(`users: ${users.answers.length} requests, ${users.failures.length} failed`);
  await bed.close();
}, 300_000);

async function armsIn(environment: 'staging' | 'production') {
  return findArms(bed.client, bed.release.namespaces[environment], { service: SERVICE });
}

/** Nothing of a measurement is left in staging: no arm, and no worker of the sender. */
async function expectStagingEmpty(): Promise<void> {
  expect(await armsIn('staging')).toEqual([]);
  const namespace = bed.release.namespaces.staging;
  expect(await bed.client.list({ kind: JOB, namespace })).toEqual([]);
}

/** Numbers of the sender's workers that a run's samples are from; a sender in the gate's own pod has none. */
async function sentBy({ id }: RunView): Promise<ReadonlySet<string>> {
  const text = gunzipSync(await bed.user.samples(id)).toString('utf8');
  return new Set(
    [...text.matchAll(/^# worker-fitness: worker=(\S+)/gm)].map(([, worker = '']) => worker),
  );
}

/** Names of the Jobs that there were in staging: events outlive what they tell of. */
async function pastJobs(): Promise<readonly string[]> {
  const namespace = bed.release.namespaces.staging;
  const events = await bed.client.list({
    kind: EVENT,
    namespace,
    fields: 'involvedObject.kind=Job,reason=SuccessfulCreate',
  });
  return events.map((event) => {
    const { involvedObject } = event as { readonly involvedObject?: { readonly name?: string } };
    return involvedObject?.name ?? '';
  });
}

it('is ready with the first build in production, has not been killed on the way, and finds nothing missing', async () => {
  const [pod, ...others] = await bed.pods();
  expect(others).toEqual([]);
  expect(pod?.status.containerStatuses).toMatchObject([{ restartCount: 0 }]);
  expect(await bed.productionVersion()).toBe('1.0');
  const { digest } = bed.images['1.0'];
  expect((await bed.user.service(SERVICE)).inForce).toMatchObject({ build: digest });
  const report = await bed.doctor();
  expect(report.problems, JSON.stringify(report)).toBe(0);
});

it('has a doctor that names the right which the sender lacks, and the Role to add it to', async () => {
  const { admin, name, namespaces, users } = bed.release;
  const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespaces.staging}/rolebindings`;
  const binding = await admin.call('GET', `${bindings}/${name}-sender`);
  const { apiVersion, kind, roleRef, subjects } = binding as Readonly<Record<string, unknown>>;
  const metadata = { name: `${name}-sender` };
  await admin.call('DELETE', `${bindings}/${name}-sender`);
  const report = await bed.doctor().finally(async () => {
    await admin.call('POST', bindings, { apiVersion, kind, metadata, roleRef, subjects });
  });
  expect(report.problems).toBe(1);
  const [problem] = report.findings.filter(({ status }) => status === 'problem');
  expect(problem?.words).toContain(
    `${SERVICE} in staging: The gate (${users.staging}) may not patch jobs in namespace ${namespaces.staging}`,
  );
  expect(problem?.words).toContain(
    `Add to a Role in namespace ${namespaces.staging} that is bound to it: {apiGroups: ["batch"], resources: ["jobs"], verbs: ["patch"]}`,
  );
  expect((await bed.doctor()).problems).toBe(0);
});

it('rolls a build back that answers errors, with requests from a Job, and leaves nothing in staging', async () => {
  const before = (await bed.user.service(SERVICE)).inForce;
  const run = await decided(
    bed.user,
    bed.images['1.3'],
    { decision: 'rollback', cause: 'breached' },
    { thresholds: ['errors{kind=search} < 0.1%'] },
  );
  expect([...(await sentBy(run))]).toEqual(['0']);
  expect(await pastJobs()).toContainEqual(expect.stringMatching(/^speed-gate-sender-/));
  expect((await bed.user.service(SERVICE)).inForce).toEqual(before);
  expect(await bed.productionVersion()).toBe('1.0');
  await expectStagingEmpty();
  expect(users.failures).toEqual([]);
});

it('promotes a build of the same speed by weights, and no request of the users fails', async () => {
  const run = await decided(bed.user, bed.images['1.1'], { decision: 'promote', cause: 'met' });
  expect(run.promotion).toMatchObject({ state: 'completed' });
  expect(run.promotion?.steps.map(({ weight }) => weight)).toEqual(
    expect.arrayContaining([1, 5, 25, 50, 100]),
  );
  const { inForce, lastKnownGood } = await bed.user.service(SERVICE);
  expect(inForce).toMatchObject({ build: bed.images['1.1'].digest });
  expect(lastKnownGood).toMatchObject({ build: bed.images['1.0'].digest });
  expect(await bed.productionVersion()).toBe('1.1');
  await expectStagingEmpty();
  // One arm carries production; what it replaced is gone.
  expect((await armsIn('production')).map(({ id }) => id)).toEqual([inForce?.armId]);
  expect(users.failures).toEqual([]);
});
