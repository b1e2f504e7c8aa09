/** Arms on the real cluster: brought up from production's template, told apart from failures, taken away whole. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deployArm } from '../../gate-service/src/platforms/kubernetes/arms/deploy.ts';
import { armOf, findArms } from '../../gate-service/src/platforms/kubernetes/arms/list.ts';
import { removeArm } from '../../gate-service/src/platforms/kubernetes/arms/remove.ts';
import {
  DEPLOYMENT,
  NAMESPACE,
  POD,
  SERVICE,
  type Kind,
} from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { KubernetesPlacement } from '../../gate-service/src/platforms/kubernetes/placement.ts';
import { PlatformError, type ArmRequest } from '../../gate-service/src/platforms/platform.ts';
import { until } from '../support/processes.ts';
import { armsBed, type ArmsBed } from './arms-bed.ts';

const RESOURCE_QUOTA: Kind = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  namespaced: true,
};

let bed: ArmsBed;
beforeAll(async () => {
  bed = await armsBed();
});
afterAll(() => bed.close());
afterEach(async () => {
  // Whatever a test did: nothing of the gate's stays behind, and nothing that does fails the next one.
  const { namespace } = bed.placement.staging;
  const left = await bed.owned(namespace);
  for (const { id } of await findArms(bed.client, namespace)) {
    await removeArm(bed.client, { id, namespace }, noSignal);
  }
  expect(left).toEqual([]);
});

const noSignal = new AbortController().signal;
const deploy = (request: ArmRequest, placement = bed.placement, signal = noSignal) =>
  deployArm(bed.client, placement, bed.agentKey, request, signal);

/** The failure of a deployment that must fail. */
async function failureOf(
  request: ArmRequest,
  placement?: KubernetesPlacement,
): Promise<PlatformError> {
  const error: unknown = await deploy(request, placement).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PlatformError);
  return error as PlatformError;
}

test("an arm is production's template with the build's image by digest, and goes away whole", async () => {
  const { client, placement } = bed;
  const { namespace } = placement.staging;
  const before = await client.find({
    kind: DEPLOYMENT,
    namespace: placement.production.namespace,
    name: 'checkout',
  });
  const request = bed.request();
  const arm = await deploy(request);
  const image = `${request.build.location}@sha256:${request.build.digest}`;
  expect(arm.pods).toHaveLength(2);
  for (const { metadata, spec, status } of arm.pods) {
    expect(spec.containers).toMatchObject([{ name: 'app', image }]);
    expect(metadata.labels).toMatchObject({
      team: 'shop',
      'speed-gate.dev/arm': arm.identity.id,
      'speed-gate.dev/service': 'checkout',
      'speed-gate.dev/subset': arm.identity.id,
    });
    expect(metadata.labels).not.toHaveProperty('app');
    const answer = await fetch(`http://${String(status.podIP)}:8080/`);
    expect(await answer.text()).toBe('serves\n');
  }
  const [found, ...others] = await findArms(client, namespace, { service: 'checkout' });
  expect(others).toEqual([]);
  const { identity, pods, record } = found!;
  expect(armOf({ identity: identity!, pods, record: record! }, 8080)).toMatchObject({
    id: arm.identity.id,
    environment: 'staging',
    role: 'candidate',
    buildDigest: request.build.digest,
    configurationHash: request.configuration.hash,
    nodes: arm.pods.map(({ metadata, status }) => ({
      name: metadata.name,
      address: status.podIP,
      port: 8080,
    })),
  });
  const after = await client.find({
    kind: DEPLOYMENT,
    namespace: placement.production.namespace,
    name: 'checkout',
  });
  expect(after?.spec).toEqual(before?.spec);

  await removeArm(client, { id: arm.identity.id, namespace }, noSignal);
  expect(await bed.owned(namespace)).toEqual([]);
  // Once more is fine.
  await removeArm(client, { id: arm.identity.id, namespace }, noSignal);
});

describe('an arm that does not get ready', () => {
  interface Failures {
    readonly crash: PlatformError;
    readonly nowhere: PlatformError;
    readonly probe: PlatformError;
    readonly unscheduled: PlatformError;
    readonly poor: PlatformError;
  }
  let failures: Failures;

  beforeAll(async () => {
    const patient = { ...bed.placement, readySeconds: 3600 };
    const lonely = await bed.template('lonely', (spec) => {
      spec.nodeSelector = { 'speed-gate.dev/no-such-node': 'true' };
    });
    const poor = await bed.template('poor', ({ containers }) => {
      containers[0]!.envFrom = [{ configMapRef: { name: 'settings-of-production' } }];
    });
    const nowhere = { digest: '0'.repeat(64), location: bed.build('serves').location };
    const unhealthy = bed.build('unhealthy');
    // Side by side, since each waits for something of its own.
    const all = await Promise.all([
      failureOf(bed.request({ build: bed.build('crashes') }), patient),
      failureOf(bed.request({ build: nowhere }), patient),
      failureOf(bed.request({ build: unhealthy, nodes: 1 }), { ...patient, readySeconds: 40 }),
      failureOf(bed.request({ nodes: 1 }), { ...lonely, readySeconds: 10 }),
      failureOf(bed.request({ nodes: 1 }), { ...poor, readySeconds: 3600 }),
    ]);
    failures = {
      ...{ crash: all[0], nowhere: all[1], probe: all[2] },
      ...{ unscheduled: all[3], poor: all[4] },
    };
  });

  test('in a crash loop is told with the end of the log, and long before the deadline', () => {
    const { failure, message } = failures.crash;
    expect(failure).toBe('node-not-ready');
    expect(message).toMatch(/0 of 2 pods .* \(given up after/);
    expect(message).toContain('exit code 3');
    expect(message).toContain('    cannot open the database at db:5432');
    expect(message).toContain('Everything that was made of arm');
  });

  test('whose image is nowhere is told by its name, once for all pods', () => {
    const { failure, message } = failures.nowhere;
    expect(failure).toBe('node-not-ready');
    const image = `${bed.build('serves').location}@sha256:${'0'.repeat(64)}`;
    expect(message.split(`(image ${image})`)).toHaveLength(2);
    expect(message).toContain('in the registry');
  });

  test('whose probe fails is told at the deadline, with what it answers', () => {
    const { failure, message } = failures.probe;
    expect(failure).toBe('node-not-ready');
    expect(message).toMatch(/0 of 1 pods .* within 40 s/);
    expect(message).toMatch(/Readiness probe failed: .*404/);
  });

  test('whose template no node takes, or lacks its ConfigMap, is told', () => {
    expect(failures.unscheduled.message).toMatch(/0\/1 nodes are available.*node selector/s);
    expect(failures.poor.message).toMatch(/CreateContainerConfigError: .*settings-of-production/);
  });
});

test('a quota is told, and no pod is left', async () => {
  const { client } = bed;
  const place = { namespace: bed.placement.staging.namespace, name: 'small' };
  await client.apply(RESOURCE_QUOTA, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: place,
    spec: { hard: { pods: '1' } },
  });
  try {
    await until('the quota counts', async () => {
      const quota = await client.find({ kind: RESOURCE_QUOTA, ...place });
      return JSON.stringify(quota?.status ?? {}).includes('"pods":"1"') ? true : undefined;
    });
    const error = await failureOf(bed.request(), { ...bed.placement, readySeconds: 3600 });
    expect(error.failure).toBe('node-not-ready');
    expect(error.message).toMatch(/^1 of 2 pods/);
    expect(error.message).toMatch(/exceeded quota: small.*ResourceQuota/);
  } finally {
    await client.delete({ kind: RESOURCE_QUOTA, ...place });
  }
});

test('an abort stops the wait and leaves nothing', async () => {
  const stop = new AbortController();
  const pending = deploy(
    bed.request({ build: bed.build('unhealthy') }),
    { ...bed.placement, readySeconds: 3600 },
    stop.signal,
  );
  const { namespace } = bed.placement.staging;
  await until('a pod of it is there', async () =>
    (await bed.client.list({ kind: POD, namespace })).length > 0 ? true : undefined,
  );
  stop.abort(new Error('the run was cancelled'));
  await expect(pending).rejects.toMatchObject({
    failure: 'aborted',
    message: expect.stringContaining('the run was cancelled') as string,
  });
});

test("a Service that would take the arm's pods for its own is named, and nothing is made", async () => {
  const { client } = bed;
  const place = { namespace: bed.placement.staging.namespace, name: 'by-team' };
  await client.apply(SERVICE, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: place,
    spec: { selector: { team: 'shop' }, ports: [{ port: 80 }] },
  });
  try {
    const error = await failureOf(bed.request());
    expect(error.failure).toBe('refused');
    expect(error.message).toContain('Service by-team');
  } finally {
    await client.delete({ kind: SERVICE, ...place });
  }
});

test('what is wrong in the catalogue is told with what there is', async () => {
  const container = await failureOf(bed.request(), { ...bed.placement, container: 'web' });
  expect(container.message).toMatch(/no container web .* it has app/);
  const deployment = await failureOf(bed.request(), { ...bed.placement, deployment: 'shop' });
  expect(deployment.failure).toBe('not-found');
  expect(deployment.message).toContain('Deployment shop');
});

test('half of an arm, as a crash leaves it, is found by its label and removed', async () => {
  const { client, placement } = bed;
  const { namespace } = placement.staging;
  const arm = await deploy(bed.request({ nodes: 1 }));
  const { id } = arm.identity;
  await client.delete({ kind: DEPLOYMENT, namespace, name: id });
  // Its pods go first, then the Deployment itself.
  await until('its Deployment and pods are gone', async () => {
    const left = await Promise.all(
      [DEPLOYMENT, POD].map((kind) => client.list({ kind, namespace })),
    );
    return left.flat().length === 0 ? true : undefined;
  });
  const [found] = await findArms(client, namespace);
  expect(found).toMatchObject({ id, hasDeployment: false, pods: [] });
  await removeArm(client, { id, namespace }, noSignal);
});

test('a namespace deleted in the middle ends the deployment with its reason', async () => {
  const other = await armsBed();
  try {
    const pending = deployArm(
      other.client,
      { ...other.placement, readySeconds: 3600 },
      other.agentKey,
      other.request({ build: other.build('unhealthy') }),
      noSignal,
    );
    const { namespace } = other.placement.staging;
    await until('a pod of it is there', async () =>
      (await other.client.list({ kind: POD, namespace })).length > 0 ? true : undefined,
    );
    const outcome = expect(pending).rejects.toThrow(/somebody has deleted Deployment/);
    await other.client.delete({ kind: NAMESPACE, name: namespace });
    await outcome;
  } finally {
    await other.close();
  }
});
