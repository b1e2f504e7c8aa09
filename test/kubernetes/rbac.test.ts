/** What the chart's accounts may do on a real cluster, and what not: asked of the API server, and tried. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../gate-service/src/platforms/kubernetes/client/client.ts';
import type { KubernetesError } from '../../gate-service/src/platforms/kubernetes/client/errors.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  SECRET,
  type Kind,
} from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { JOB } from '../../gate-service/src/platforms/kubernetes/jobs/job.ts';
import { until } from '../support/processes.ts';
import { kubeconfigOf } from './support/api-server.ts';
import { installChart, type ChartRelease } from './support/chart-release.ts';

const MINE = { 'app.kubernetes.io/managed-by': 'speed-gate' };
const VIRTUAL_SERVICE: Kind = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  plural: 'virtualservices',
  namespaced: true,
};
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
/** More than the gate has any use for: what is not documented must be refused. */
const RESOURCES: readonly (readonly [group: string, resource: string])[] = [
  ...['configmaps', 'secrets', 'pods', 'pods/log', 'pods/exec', 'pods/portforward', 'events'].map(
    (resource) => ['', resource] as const,
  ),
  ...['services', 'serviceaccounts', 'serviceaccounts/token', 'persistentvolumeclaims'].map(
    (resource) => ['', resource] as const,
  ),
  ...['deployments', 'deployments/scale', 'replicasets', 'statefulsets', 'daemonsets'].map(
    (resource) => ['apps', resource] as const,
  ),
  ...['virtualservices', 'destinationrules', 'serviceentries', 'gateways', 'envoyfilters'].map(
    (resource) => ['networking.istio.io', resource] as const,
  ),
  ['batch', 'jobs'],
  ['networking.k8s.io', 'networkpolicies'],
  ['rbac.authorization.k8s.io', 'roles'],
  ['rbac.authorization.k8s.io', 'rolebindings'],
];

let release: ChartRelease;
const clients: KubernetesClient[] = [];
let staging: KubernetesClient;
let production: KubernetesClient;
let plain: KubernetesClient;

beforeAll(async () => {
  release = await installChart({ persistence: { enabled: false } });
  const { admin, folder, name, namespaces, users } = release;
  const kubeconfig = await kubeconfigOf(admin, folder, { namespace: namespaces.gate, name });
  const as = (impersonate?: string): KubernetesClient => {
    const client = createKubernetesClient({ kubeconfig, impersonate });
    clients.push(client);
    return client;
  };
  [plain, staging, production] = [as(), as(users.staging), as(users.production)];
  for (const [place, body] of [
    ['/apis/apps/v1', deployment('checkout')],
    ['/apis/apps/v1', deployment('other')],
    ['/api/v1', { ...configMap(namespaces.production, 'foreign'), data: { a: '1' } }],
    ['/apis/networking.istio.io/v1', route('site')],
    ['/apis/networking.istio.io/v1', route('other')],
  ] as const) {
    const plural = `${body.kind.toLowerCase()}s`;
    await admin.call('POST', `${place}/namespaces/${namespaces.production}/${plural}`, body);
  }
  await until(
    'the admission policy is in force',
    async () => {
      const refused = await failureOf(
        staging.apply(CONFIG_MAP, configMap(namespaces.staging, 'probe'), { dryRun: true }),
      );
      return refused?.failure === 'forbidden' ? true : undefined;
    },
    { withinMs: 60_000, everyMs: 250 },
  );
}, 900_000);

afterAll(async () => {
  for (const client of clients) await client.close();
  await release.remove();
}, 240_000);

function configMap(namespace: string, name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels } };
}

/** Without pods: what its template says is never started. */
function deployment(name: string, labels: Readonly<Record<string, string>> = {}) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: release.namespaces.production, labels },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'app', image: 'localhost/none:1' }] },
      },
    },
  };
}

function route(name: string) {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace: release.namespaces.production },
    spec: {
      hosts: [`${name}.example.com`],
      http: [{ route: [{ destination: { host: `${name}.example.com` } }] }],
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<KubernetesError | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => error as KubernetesError,
  );
}

const reviewSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) });

interface Question {
  readonly user: string;
  readonly namespace: string;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name?: string;
}

async function mayDo({ user, group, resource, ...attributes }: Question): Promise<boolean> {
  const [main, subresource] = resource.split('/');
  const answer = await release.admin.call(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user,
        groups: [
          'system:serviceaccounts',
          `system:serviceaccounts:${release.namespaces.gate}`,
          'system:authenticated',
        ],
        resourceAttributes: { ...attributes, group, resource: main, subresource },
      },
    },
  );
  return reviewSchema.parse(answer).status.allowed;
}

/** Those of the questions that the API server says yes to, a line each. */
async function allowedOf(questions: readonly Question[]): Promise<string[]> {
  const yes: string[] = [];
  const waiting = [...questions];
  const worker = async (): Promise<void> => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (await mayDo(one)) yes.push(`${one.resource} ${one.verb}`);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  return yes.sort();
}

/** Of every verb and resource. */
async function rightsOf(user: string, namespace: string): Promise<string[]> {
  return allowedOf(
    RESOURCES.flatMap(([group, resource]) =>
      VERBS.map((verb) => ({ user, namespace, group, resource, verb })),
    ),
  );
}

/** The table of the documentation, in the same form. */
async function documentedRights(environment: 'staging' | 'production'): Promise<string[]> {
  const text = await readFile(path.join(import.meta.dirname, '../../docs/kubernetes.md'), 'utf8');
  const rows = text
    .slice(text.indexOf('### Rights'), text.indexOf('### NetworkPolicy'))
    .split('\n')
    .filter((row) => environment === 'staging' || !row.includes('in staging only'));
  return rows
    .map((row) => /^\| (`[a-z/`, ]+`)[^|]*\| ([a-z, ]+?)(?:;[^|]*)? *\|$/.exec(row))
    .filter((row) => row !== null)
    .flatMap(([, resources = '', verbs = '']) =>
      [...resources.matchAll(/`([a-z/]+)`/g)].flatMap(([, resource = '']) =>
        verbs.split(', ').map((verb) => `${resource} ${verb}`),
      ),
    )
    .sort();
}

describe('the rights of the accounts', () => {
  it.each(['staging', 'production'] as const)(
    'are the documented ones in the namespace of %s, and none in any other',
    async (environment) => {
      const { namespaces, users } = release;
      const documented = await documentedRights(environment);
      expect(documented.length).toBeGreaterThan(20);
      expect(await rightsOf(users[environment], namespaces[environment])).toEqual(documented);
      const other = environment === 'staging' ? 'production' : 'staging';
      for (const namespace of [namespaces[other], namespaces.gate, 'kube-system']) {
        expect(await rightsOf(users[environment], namespace)).toEqual([]);
      }
    },
  );

  it('of the gate itself are to act as those two accounts, and as nobody else', async () => {
    const { name, namespaces, users } = release;
    for (const namespace of Object.values(namespaces)) {
      expect(await rightsOf(users.gate, namespace)).toEqual([]);
    }
    const impersonation = async (one: string, namespace = namespaces.gate): Promise<boolean> =>
      mayDo({
        ...{ user: users.gate, namespace, name: one },
        ...{ group: '', resource: 'serviceaccounts', verb: 'impersonate' },
      });
    expect(await impersonation(`${name}-staging`)).toBe(true);
    expect(await impersonation(`${name}-production`)).toBe(true);
    expect(await impersonation('default')).toBe(false);
    expect(await impersonation(`${name}-production`, namespaces.production)).toBe(false);
    for (const resource of ['users', 'groups']) {
      const question = { user: users.gate, namespace: '', group: '', verb: 'impersonate' };
      expect(await mayDo({ ...question, resource })).toBe(false);
    }
  });
});

describe('with a token of the gate', () => {
  it('nothing is done in its own name, and the refusal names the rule that is missing', async () => {
    const { namespaces, users } = release;
    const refused = await failureOf(
      plain.list({ kind: DEPLOYMENT, namespace: namespaces.production }),
    );
    expect(refused).toMatchObject({ failure: 'forbidden', status: 403 });
    expect(refused?.message).toContain(users.gate);
    expect(refused?.message).toContain(
      '{apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"]}',
    );
  });

  it('staging is changed in staging only, and production in production only', async () => {
    const { namespaces } = release;
    const arm = (namespace: string) => configMap(namespace, 'arm-1', MINE);
    await staging.apply(CONFIG_MAP, arm(namespaces.staging));
    await production.apply(CONFIG_MAP, arm(namespaces.production));
    for (const [client, namespace] of [
      [staging, namespaces.production],
      [production, namespaces.staging],
    ] as const) {
      const refused = await failureOf(client.apply(CONFIG_MAP, arm(namespace)));
      expect(refused?.failure).toBe('forbidden');
      expect(refused?.message).toContain(`a Role in namespace ${namespace}`);
    }
  });

  it('what is not of the gate is neither made nor changed nor removed, and the reason is told', async () => {
    const { namespaces } = release;
    const place = { namespace: namespaces.production };
    const refusals = await Promise.all(
      [
        production.apply(CONFIG_MAP, configMap(namespaces.production, 'unmarked')),
        production.merge({ kind: CONFIG_MAP, name: 'foreign', ...place }, { data: { a: '2' } }),
        // Putting the mark on it does not make it the gate's.
        production.merge(
          { kind: CONFIG_MAP, name: 'foreign', ...place },
          { metadata: { labels: MINE } },
        ),
        production.delete({ kind: CONFIG_MAP, name: 'foreign', ...place }),
        production.merge({ kind: DEPLOYMENT, name: 'other', ...place }, { spec: { replicas: 0 } }),
        production.delete({ kind: DEPLOYMENT, name: 'checkout', ...place }),
        production.merge(
          { kind: VIRTUAL_SERVICE, name: 'other', ...place },
          { metadata: { annotations: { a: '1' } } },
        ),
      ].map(failureOf),
    );
    for (const refused of refusals) {
      expect(refused).toMatchObject({ failure: 'forbidden', status: 403 });
      expect(refused?.message).toMatch(/Speed Gate may change only what is labelled/);
    }
  });

  it('the Deployment and the VirtualService that the values name are changed, and arms come and go', async () => {
    const { namespaces } = release;
    const place = { namespace: namespaces.production };
    const note = { metadata: { annotations: { 'speed-gate.dev/build': 'ab' } } };
    await production.merge({ kind: DEPLOYMENT, name: 'checkout', ...place }, note);
    await production.merge({ kind: VIRTUAL_SERVICE, name: 'site', ...place }, note);
    await production.apply(DEPLOYMENT, deployment('canary-1', MINE));
    await production.delete({ kind: DEPLOYMENT, name: 'canary-1', ...place });
  });

  it('the token of an arm is written and removed, but no Secret is ever read', async () => {
    const { namespaces } = release;
    const place = { kind: SECRET, namespace: namespaces.production };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'arm-1', namespace: namespaces.production, labels: MINE },
      stringData: { token: 'x'.repeat(32) },
    };
    await production.apply(SECRET, secret);
    expect((await failureOf(production.find({ ...place, name: 'arm-1' })))?.failure).toBe(
      'forbidden',
    );
    expect((await failureOf(production.list(place)))?.failure).toBe('forbidden');
    await production.delete({ ...place, name: 'arm-1' });
  });

  it('the sender is a Job in staging: made, seen and removed there, and nowhere else', async () => {
    const { namespaces } = release;
    const job = (namespace: string, labels: Readonly<Record<string, string>>) => ({
      apiVersion: JOB.apiVersion,
      kind: JOB.kind,
      metadata: { name: 'sender-1', namespace, labels },
      spec: {
        suspend: true,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'sender', image: 'localhost/none:1' }],
          },
        },
      },
    });
    const place = { kind: JOB, namespace: namespaces.staging, name: 'sender-1' };
    const unmarked = await failureOf(staging.apply(JOB, job(namespaces.staging, {})));
    expect(unmarked?.message).toMatch(/Speed Gate may change only what is labelled/);
    await staging.apply(JOB, job(namespaces.staging, MINE));
    expect(await staging.find(place)).toBeDefined();
    await staging.delete(place);
    const elsewhere = await failureOf(production.apply(JOB, job(namespaces.production, MINE)));
    expect(elsewhere?.failure).toBe('forbidden');
    expect(elsewhere?.message).toContain('resources: ["jobs"]');
  });

  it('no other user is taken on', async () => {
    const { folder, admin, name, namespaces } = release;
    const kubeconfig = await kubeconfigOf(admin, folder, { namespace: namespaces.gate, name });
    const other = createKubernetesClient({
      kubeconfig,
      impersonate: 'system:serviceaccount:kube-system:default',
    });
    clients.push(other);
    const refused = await failureOf(
      other.list({ kind: DEPLOYMENT, namespace: namespaces.production }),
    );
    expect(refused?.failure).toBe('forbidden');
    expect(refused?.message).toContain('impersonate');
  });
});
