/** What the chart makes of its values, and which values it refuses. Rendered by helm, without a cluster. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildHelm, type Helm } from './support/helm.ts';
import { parseCatalogue } from '../../gate-service/src/settings/catalogue-file.ts';
import {
  CHART,
  LEAST,
  objectsOf,
  render,
  the,
  valuesFile,
  type Rendered,
  type Values,
} from './support/chart.ts';
import { documentedContainer } from './support/node-deployment.ts';

let folder: string;
let helm: Helm;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-chart-'));
  helm = await buildHelm(folder);
}, 900_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const service = (change: Values = {}): Values => ({
  name: 'shop',
  staging: { namespace: 'shop-staging' },
  production: { namespace: 'shop', deployment: 'shop' },
  ...change,
});

/** How long the gate may take until it answers. */
function startSeconds({ spec }: Rendered): number {
  const { containers } = (spec as { template: { spec: { containers: Values[] } } }).template.spec;
  const { failureThreshold, periodSeconds } = containers[0]?.startupProbe as {
    failureThreshold: number;
    periodSeconds: number;
  };
  return failureThreshold * periodSeconds;
}

describe('values that the chart refuses', () => {
  it.each<[string, Values, RegExp]>([
    ['a misspelt name', { replica: 2 }, /additional properties 'replica'/],
    [
      'a misspelt name further down',
      { image: { repository: 'x', tags: '1' } },
      /additional properties 'tags'/,
    ],
    [
      'an image digest that is none',
      { image: { repository: 'x', digest: 'latest' } },
      /\/image\/digest/,
    ],
    ['no replica', { replicas: 0 }, /\/replicas.*minimum/],
    ['replicas on SQLite', { replicas: 2 }, /SQLite serves a single replica/],
    ['no Prometheus', { prometheus: { url: '' } }, /prometheus\.url is empty/],
    ['no catalogue', { catalogue: { text: '' } }, /the service catalogue is missing/],
    [
      'two catalogues',
      { catalogue: { text: 'services: {}', existingConfigMap: 'mine' } },
      /both given/,
    ],
    [
      'a service without its Deployment',
      { services: [service({ production: { namespace: 'shop' } })] },
      /missing property 'deployment'/,
    ],
    [
      'staging and production in one namespace',
      { services: [service({ staging: { namespace: 'shop' } })] },
      /service shop has staging and production in one namespace/,
    ],
    [
      "staging in another service's production",
      {
        services: [
          service(),
          service({
            name: 'cart',
            staging: { namespace: 'shop' },
            production: { namespace: 'cart', deployment: 'cart' },
          }),
        ],
      },
      /namespace shop is staging of service cart and production of another/,
    ],
    [
      "a service in the gate's own namespace",
      { services: [service({ staging: { namespace: 'speed-gate' } })] },
      /lives in the namespace of the gate itself/,
    ],
    [
      "a setting that is the chart's",
      { settings: { SPEED_GATE_LISTEN: '0.0.0.0:1' } },
      /\/settings\/SPEED_GATE_LISTEN/,
    ],
    ['a setting of nobody', { settings: { PATH: '/tmp' } }, /\/settings.*'PATH'/],
  ])('%s', async (_what, values, complaint) => {
    await expect(render(helm, folder, { ...LEAST, ...values })).rejects.toThrow(complaint);
  });
});

describe('what the chart renders', () => {
  it('is a gate that runs as nobody, read-only, without a capability, and is reached over its Service', async () => {
    const objects = await render(helm, folder, {
      ...LEAST,
      image: { repository: 'r.example.com/gate', tag: 'x', digest: `sha256:${'ab'.repeat(32)}` },
      settings: { SPEED_GATE_LOG_LEVEL: 'debug', SPEED_GATE_RETENTION_DAYS: 7 },
    });
    const deployment = the(objects, 'Deployment');
    expect(deployment).toMatchObject({
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        template: {
          spec: {
            serviceAccountName: 'gate',
            securityContext: { runAsNonRoot: true, runAsUser: 10001 },
            containers: [
              {
                image: `r.example.com/gate@sha256:${'ab'.repeat(32)}`,
                securityContext: {
                  readOnlyRootFilesystem: true,
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
          },
        },
      },
    });
    const text = JSON.stringify(deployment);
    expect(text).toContain('{"name":"SPEED_GATE_LOG_LEVEL","value":"debug"}');
    expect(text).toContain('{"name":"SPEED_GATE_RETENTION_DAYS","value":"7"}');
    const { selector } = the(objects, 'Service').spec as { selector: Values };
    expect(deployment).toMatchObject({ spec: { template: { metadata: { labels: selector } } } });
    expect(the(objects, 'PodDisruptionBudget').spec).toMatchObject({
      selector: { matchLabels: selector },
    });
  });

  it('never has two of a single replica, whose volume may be for one node', async () => {
    const objects = await render(helm, folder, {
      ...LEAST,
      database: { existingSecret: 'database' },
    });
    const deployment = the(objects, 'Deployment');
    expect(deployment.spec).toMatchObject({ strategy: { type: 'Recreate' } });
    // The name that the settings know.
    expect(JSON.stringify(deployment)).toContain('"name":"DATABASE_URL"');
  });

  it('is told where it runs and by what first build, and asks istiod with a token of its own', async () => {
    const firstBuild = `r.example.com/shop@sha256:${'ab'.repeat(32)}`;
    const objects = await render(helm, folder, {
      ...LEAST,
      services: [service({ production: { namespace: 'shop', deployment: 'shop', firstBuild } })],
    });
    const text = JSON.stringify(the(objects, 'Deployment'));
    expect(text).toContain('{"name":"SPEED_GATE_PLATFORM","value":"kubernetes"}');
    expect(text).toContain(`"args":["serve","--production","shop=${firstBuild}"]`);
    // It answers when its first builds are in production, and is not to be killed before.
    expect(startSeconds(the(objects, 'Deployment'))).toBe(
      startSeconds(the(await render(helm, folder, LEAST), 'Deployment')) + 300,
    );
    expect(text).toContain('"audience":"istio-ca"');
    const plain = await render(helm, folder, { ...LEAST, mesh: { gateways: 'envoy' } });
    expect(JSON.stringify(the(plain, 'Deployment'))).not.toContain('istio-ca');
  });

  it('opens arms to gateways and gate alone, each on its own ports', async () => {
    const objects = await render(helm, folder, {
      ...LEAST,
      services: [service({ ports: { http: 8090 } })],
    });
    const policies = objects.filter(({ metadata }) => metadata.name === 'gate-nodes');
    expect(policies.map(({ metadata }) => metadata.namespace).sort()).toEqual([
      'shop',
      'shop-staging',
    ]);
    for (const { spec } of policies) {
      const [fromGateways, fromGate, ...more] = (spec as { ingress: Values[] }).ingress;
      expect(more).toEqual([]);
      expect(fromGateways).toMatchObject({ ports: [{ port: 8090 }] });
      expect(JSON.stringify(fromGateways)).toContain('istio-system');
      expect(fromGate).not.toHaveProperty('ports');
      expect(JSON.stringify(fromGate)).toContain('"speed-gate"');
    }
  });

  it('rolls with several replicas, which share their state', async () => {
    const objects = await render(helm, folder, {
      ...LEAST,
      replicas: 2,
      database: { existingSecret: 'database' },
    });
    expect(the(objects, 'Deployment').spec).toMatchObject({
      replicas: 2,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } },
    });
    expect(the(objects, 'PersistentVolumeClaim').spec).toMatchObject({
      accessModes: ['ReadWriteMany'],
    });
  });

  it('has a Role once for each namespace of each environment, however many services share it', async () => {
    const objects = await render(helm, folder, {
      ...LEAST,
      services: [
        service(),
        service({ name: 'cart', production: { namespace: 'shop', deployment: 'cart' } }),
      ],
    });
    const roles = objects
      .filter(({ kind }) => kind === 'Role')
      .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
    expect(roles.sort()).toEqual([
      '/gate-accounts',
      'istio-system/gate-mesh-speed-gate',
      'shop-staging/gate-sender',
      'shop-staging/gate-staging',
      'shop/gate-production',
    ]);
    expect(JSON.stringify(the(objects, 'ValidatingAdmissionPolicy'))).toContain(
      String.raw`[\"shop/shop\",\"shop/cart\"]`,
    );
  });

  it('leaves out what is switched off, and gives nobody a right on the whole cluster', async () => {
    const off = { create: false };
    const objects = await render(helm, folder, {
      ...LEAST,
      rbac: off,
      admissionPolicy: off,
      networkPolicy: off,
      podDisruptionBudget: off,
      persistence: { enabled: false },
      agentKey: { existingSecret: 'mine' },
    });
    expect([...new Set(objects.map(({ kind }) => kind))].sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'Service',
      'ServiceAccount',
    ]);
    const all = await render(helm, folder, LEAST);
    expect(all.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
  });
});

it('finds no fault with the chart, and knows every value that values.yaml has', async () => {
  const file = await valuesFile(folder, LEAST);
  expect(await helm.helm(['lint', '--strict', CHART, '--values', file])).toContain(
    '0 chart(s) failed',
  );
  const values = parse(await readFile(path.join(CHART, 'values.yaml'), 'utf8')) as Values;
  const schema = JSON.parse(await readFile(path.join(CHART, 'values.schema.json'), 'utf8')) as {
    properties: Values;
  };
  const documented = await readFile(
    path.join(import.meta.dirname, '../../docs/kubernetes.md'),
    'utf8',
  );
  for (const name of Object.keys(values)) {
    expect(schema.properties).toHaveProperty(name);
    if (name !== 'nameOverride') expect(documented).toContain(`\`${name}`);
  }
  // `global` is helm's own.
  expect(Object.keys(schema.properties).sort()).toEqual([...Object.keys(values), 'global'].sort());
});

it('has an example of a service whose parts fit each other, the chart and the documentation', async () => {
  const example = path.join(CHART, '../example');
  const text = async (file: string) => readFile(path.join(example, file), 'utf8');
  const build = `registry.example.com/shop@sha256:${'a'.repeat(64)}`;
  const filled = async (file: string) => (await text(file)).replace('FIRST_BUILD', build);

  const manifest = objectsOf(await filled('shop.yaml'));
  const { metadata, spec } = the(manifest, 'Deployment');
  const { containers } = (spec as { template: { spec: { containers: Values[] } } }).template.spec;
  expect(containers).toEqual([{ ...(await documentedContainer()), name: 'node', image: build }]);

  const catalogue = await text('speedgate.yaml');
  const [service] = parseCatalogue(catalogue, 'speedgate.yaml', undefined, 'kubernetes').services;
  const { deployment, production, repository, staging } = service!.kubernetes!;
  expect({ name: deployment, namespace: production.namespace }).toEqual(metadata);
  expect(build).toContain(`${repository}@`);
  for (const { gateways, namespace } of [staging, production]) {
    expect(the(manifest, 'Namespace', namespace)).toBeDefined();
    const [{ name, namespace: where }] = gateways as [(typeof gateways)[number]];
    expect(the(manifest, 'Gateway', name).metadata.namespace).toBe(where);
  }

  const values = parse(await filled('values.yaml')) as Values;
  const rendered = await render(helm, folder, { ...values, catalogue: { text: catalogue } });
  expect(JSON.stringify(the(rendered, 'Deployment').spec)).toContain(`shop=${build}`);
  for (const namespace of [staging.namespace, production.namespace]) {
    const role = rendered.find(
      (one) => one.kind === 'Role' && one.metadata.namespace === namespace,
    );
    expect(role).toBeDefined();
  }
});
