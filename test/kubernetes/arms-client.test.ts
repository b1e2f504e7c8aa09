/** The client against the real API server: through a proxy that makes trouble, and with an account that may too little. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, afterEach, beforeEach, expect, test } from 'vitest';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../gate-service/src/platforms/kubernetes/client/client.ts';
import { KubernetesError } from '../../gate-service/src/platforms/kubernetes/client/errors.ts';
import { CONFIG_MAP, type Kind } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { KubernetesObject } from '../../gate-service/src/platforms/kubernetes/client/objects.ts';
import { deployArm } from '../../gate-service/src/platforms/kubernetes/arms/deploy.ts';
import { removeArm } from '../../gate-service/src/platforms/kubernetes/arms/remove.ts';
import { defaultLayout } from '../support/cluster/layout.ts';
import { TIMER_TICK_MS } from '../support/timers.ts';
import { armsBed, type ArmsBed } from './arms-bed.ts';
import { startFaultProxy, type Fault, type FaultProxy } from './arms-fault-proxy.ts';

const rbac = (kind: string, plural: string): Kind => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  plural,
  namespaced: true,
});
const ROLE = rbac('Role', 'roles');
const ROLE_BINDING = rbac('RoleBinding', 'rolebindings');

let bed: ArmsBed;
let proxy: FaultProxy;
let client: KubernetesClient;
/** Of a right that was granted. */
const HEARD_MS = 15_000;
const noSignal = new AbortController().signal;

beforeAll(async () => {
  bed = await armsBed();
});
afterAll(() => bed.close());
beforeEach(async () => {
  proxy = await startFaultProxy(`https://${defaultLayout.address}:${defaultLayout.ports.api}`);
  client = through({ attemptMs: 2000 });
});
afterEach(async () => {
  await client.close();
  await proxy.close();
});

function through(patience: { attemptMs?: number; patienceMs?: number }): KubernetesClient {
  return createKubernetesClient({ kubeconfig: bed.kubeconfig, server: proxy.url, patience });
}

const namespace = (): string => bed.placement.staging.namespace;
const configMap = (name: string, data: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: namespace() },
  data,
});
const place = (name: string) => ({ kind: CONFIG_MAP, namespace: namespace(), name });

async function failureOf(promise: Promise<unknown>): Promise<KubernetesError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KubernetesError);
  return error as KubernetesError;
}

const isPatch: Pick<Fault, 'matches'> = { matches: ({ method }) => method === 'PATCH' };
const isWatch: Pick<Fault, 'matches'> = {
  matches: ({ url = '' }) => url.includes('watch=true'),
};
const isList: Pick<Fault, 'matches'> = {
  matches: ({ method, url = '' }) => method === 'GET' && !url.includes('watch=true'),
};

test('an arm comes up and goes although the API server stumbles all the way', async () => {
  proxy.inject({
    ...isPatch,
    times: 1,
    act: { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
  });
  proxy.inject({ ...isPatch, times: 1, act: { kind: 'answer', status: 500 } });
  proxy.inject({ ...isPatch, times: 1, act: { kind: 'reset' } });
  proxy.inject({ ...isPatch, times: 1, act: { kind: 'silence' } });
  proxy.inject({ ...isList, times: 2, act: { kind: 'answer', status: 503 } });
  proxy.inject({ ...isList, times: 1, act: { kind: 'reset' } });
  proxy.inject({ ...isWatch, times: 1, act: { kind: 'answer', status: 410 } });
  proxy.inject({ ...isWatch, times: 1, act: { kind: 'reset' } });
  proxy.inject({ ...isWatch, act: { kind: 'cut', afterBytes: 700 } });
  const arm = await deployArm(client, bed.placement, bed.agentKey, bed.request(), noSignal);
  expect(arm.pods).toHaveLength(2);
  expect(proxy.seen.filter((line) => line.includes('watch=true')).length).toBeGreaterThan(2);
  proxy.clear();
  proxy.inject({ matches: ({ method }) => method === 'DELETE', times: 2, act: { kind: 'reset' } });
  await removeArm(client, { id: arm.identity.id, namespace: namespace() }, noSignal);
  expect(await bed.owned(namespace())).toEqual([]);
});

test('Retry-After is heeded: nothing is asked before its time', async () => {
  proxy.inject({
    ...isPatch,
    times: 1,
    act: { kind: 'answer', status: 429, headers: { 'retry-after': '2' } },
  });
  const begun = performance.now();
  await client.apply(CONFIG_MAP, configMap('patient'));
  expect(performance.now() - begun).toBeGreaterThan(2000 - TIMER_TICK_MS);
  expect(proxy.seen.filter((line) => line.startsWith('PATCH'))).toHaveLength(2);
  await client.delete(place('patient'));
});

test('a Retry-After beyond all patience is told at once instead of waited for', async () => {
  proxy.inject({
    ...isPatch,
    act: { kind: 'answer', status: 429, headers: { 'retry-after': '3600' } },
  });
  const error = await failureOf(client.apply(CONFIG_MAP, configMap('never')));
  expect(error.failure).toBe('throttled');
  expect(error.message).toContain('wait for 3600 s');
  expect(proxy.seen).toHaveLength(1);
});

test.each([
  ['5xx', { kind: 'answer', status: 503 }, 'unavailable', /503/],
  ['silence', { kind: 'silence' }, 'timeout', /did not answer .* within 300 ms/],
  ['resets', { kind: 'reset' }, 'unreachable', /was not reached/],
] as const)('%s without end is given up with what was tried', async (_, act, failure, words) => {
  proxy.inject({ matches: () => true, act });
  const impatient = through({ attemptMs: 300, patienceMs: 1500 });
  try {
    const error = await failureOf(impatient.find(place('any')));
    expect(error.failure).toBe(failure);
    expect(error.message).toMatch(words);
    expect(error.message).toMatch(/Given up after [2-9]\d* attempts/);
    expect(proxy.seen.length).toBeGreaterThan(1);
  } finally {
    await impatient.close();
  }
});

test('a last attempt that is cut short by the end of patience does not hide what the others met', async () => {
  proxy.inject({ matches: () => true, times: 1, act: { kind: 'answer', status: 503 } });
  proxy.inject({ matches: () => true, act: { kind: 'silence' } });
  const impatient = through({ attemptMs: 3000, patienceMs: 2000 });
  try {
    const error = await failureOf(impatient.find(place('any')));
    expect(error.failure).toBe('unavailable');
    expect(error.message).toMatch(/503.* Given up after 2 attempts/s);
  } finally {
    await impatient.close();
  }
});

test('what will not pass is not asked again', async () => {
  const error = await failureOf(client.apply(CONFIG_MAP, { ...configMap('odd'), nonsense: true }));
  expect(error).toMatchObject({ failure: 'invalid' });
  expect(error.message).toContain('nonsense');
  expect(proxy.seen).toHaveLength(1);
});

test("a field of somebody else's is reported with its owner and left as it is", async () => {
  await bed.client.apply(CONFIG_MAP, configMap('shared', { colour: 'green' }), {
    fieldManager: 'helm',
  });
  const error = await failureOf(client.apply(CONFIG_MAP, configMap('shared', { colour: 'blue' })));
  expect(error.failure).toBe('conflict');
  expect(error.conflicts).toEqual([{ manager: 'helm', field: '.data.colour' }]);
  expect(error.message).toContain('.data.colour (owned by helm)');
  expect((await bed.client.find(place('shared')))?.data).toEqual({ colour: 'green' });
  await bed.client.delete(place('shared'));
});

test('a watch that falls silent, is cut or dies with the server misses nothing', async () => {
  const stop = new AbortController();
  const names = async function* () {
    const selection = { kind: CONFIG_MAP, namespace: namespace(), labels: { followed: 'yes' } };
    for await (const objects of client.follow(selection, { signal: stop.signal, relistMs: 1500 })) {
      yield objects.map(({ metadata }) => metadata.name).toSorted();
    }
  };
  const followed = names();
  const untilSeen = async (wanted: readonly string[]): Promise<void> => {
    for await (const seen of { [Symbol.asyncIterator]: () => ({ next: () => followed.next() }) }) {
      if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
    }
  };
  const add = (name: string) =>
    bed.client.apply(CONFIG_MAP, {
      ...configMap(name),
      metadata: { name, namespace: namespace(), labels: { followed: 'yes' } },
    });
  await untilSeen([]);
  await add('first');
  await untilSeen(['first']);
  proxy.inject({ ...isWatch, times: 1, act: { kind: 'stall' } });
  proxy.cutAll();
  await add('second');
  await untilSeen(['first', 'second']);
  await bed.client.delete(place('first'));
  await untilSeen(['second']);
  proxy.inject({ ...isWatch, times: 2, act: { kind: 'cut', afterBytes: 50 } });
  await add('third');
  await untilSeen(['second', 'third']);
  stop.abort(new Error('enough'));
  await expect(followed.next()).rejects.toThrow('enough');
  for (const name of ['second', 'third']) await bed.client.delete(place(name));
});

test('an account without rights is told each rule that is missing, until what it was told suffices', async () => {
  const account = `system:serviceaccount:${bed.placement.production.namespace}:default`;
  const limited = createKubernetesClient({ kubeconfig: bed.kubeconfig, impersonate: account });
  const rules = new Map<string, string[]>();
  const grantedAt = new Map<string, number>();
  const grant = async (ns: string): Promise<void> => {
    const head = { name: 'gate', namespace: ns };
    await bed.client.apply(ROLE, {
      apiVersion: ROLE.apiVersion,
      kind: 'Role',
      metadata: head,
      rules: (rules.get(ns) ?? []).map((rule) => JSON.parse(rule) as unknown),
    });
    await bed.client.apply(ROLE_BINDING, {
      apiVersion: ROLE_BINDING.apiVersion,
      kind: 'RoleBinding',
      metadata: head,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'gate' },
      subjects: [
        {
          kind: 'ServiceAccount',
          name: 'default',
          namespace: bed.placement.production.namespace,
        },
      ],
    });
  };
  const learn = async (message: string): Promise<void> => {
    const told =
      /Add to a Role in namespace (\S+) that is bound to it: \{apiGroups: (\[.*?\]), resources: (\[.*?\]), verbs: (\[.*?\])\}/.exec(
        message,
      );
    expect(told, message).not.toBeNull();
    const [, ns = '', groups = '', resources = '', verbs = ''] = told!;
    const rule = `{"apiGroups":${groups},"resources":${resources},"verbs":${verbs}}`;
    const known = rules.get(ns) ?? [];
    if (known.includes(rule)) {
      // The API server's authorizer hears of a right a moment after it was written.
      const since = performance.now() - grantedAt.get(ns)!;
      expect(since, `told again, though it has the right: ${message}`).toBeLessThan(HEARD_MS);
      await sleep(50);
      return;
    }
    rules.set(ns, [...known, rule]);
    await grant(ns);
    grantedAt.set(ns, performance.now());
  };
  /** Repeats an operation, each time with the right that its refusal named; half an arm stays for the next round. */
  const learning = async <T>(act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        await learn(error instanceof Error ? error.message : String(error));
      }
    }
  };
  try {
    const arm = await learning(() =>
      deployArm(limited, bed.placement, bed.agentKey, bed.request({ nodes: 1 }), noSignal),
    );
    await learning(() =>
      removeArm(limited, { id: arm.identity.id, namespace: namespace() }, noSignal),
    );
    const summary = Object.fromEntries(
      [...rules].map(([ns, own]) => [
        ns === namespace() ? 'staging' : 'production',
        own
          .map((text) => JSON.parse(text) as { resources: string[]; verbs: string[] })
          .map(({ resources, verbs }) => `${verbs.join()} ${resources.join()}`)
          .toSorted(),
      ]),
    );
    expect(summary).toEqual({
      production: ['get deployments'],
      staging: [
        'create configmaps',
        'create deployments',
        'create secrets',
        'delete configmaps',
        'delete deployments',
        'delete secrets',
        'get deployments',
        'list configmaps',
        'list deployments',
        'list pods',
        'list replicasets',
        'list services',
        'patch configmaps',
        'patch deployments',
        'patch secrets',
        'watch pods',
      ],
    });
  } finally {
    for (const one of await bed.client.list({
      kind: CONFIG_MAP,
      namespace: namespace(),
      labels: { 'app.kubernetes.io/managed-by': 'speed-gate' },
    })) {
      await removeArm(bed.client, { id: one.metadata.name, namespace: namespace() }, noSignal);
    }
    await limited.close();
  }
});
