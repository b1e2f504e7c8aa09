import { expect, it } from 'vitest';
import { selectingServices } from './foreign-services.ts';
import { ARM_LABEL, identityOf, SERVICE_LABEL, SUBSET_LABEL } from './labels.ts';
import { dataOf, recordOf, type ArmRecord } from './record.ts';
import {
  armDeployment,
  armObjects,
  imageByDigest,
  requireContainer,
  templateOf,
  type ArmSpecification,
} from './template.ts';

const digest = 'a'.repeat(64);
const production = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec: {
    replicas: 7,
    selector: { matchLabels: { app: 'checkout' } },
    template: {
      metadata: {
        labels: { app: 'checkout', team: 'shop', 'pod-template-hash': 'x' },
        annotations: {
          'sidecar.istio.io/inject': 'true',
          'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z',
        },
      },
      spec: {
        serviceAccountName: 'checkout',
        aFieldFromTheFuture: { kept: [1, 2] },
        containers: [
          {
            name: 'app',
            image: 'registry/checkout:old',
            env: [
              { name: 'REGION', value: 'eu' },
              { name: 'SPEED_GATE_BUILD_DIGEST', value: 'stale' },
            ],
            resources: { limits: { memory: '1Gi' } },
          },
          { name: 'log-shipper', image: 'registry/shipper:1' },
        ],
        volumes: [{ name: 'cache', emptyDir: {} }],
      },
    },
  },
};

const arm: ArmSpecification = {
  identity: {
    id: 'checkout-candidate-1',
    service: 'checkout',
    environment: 'staging',
    role: 'candidate',
  },
  namespace: 'shop-staging',
  template: templateOf(production),
  container: 'app',
  image: `registry/checkout@sha256:${digest}`,
  buildDigest: digest,
  nodes: 2,
  healthPath: '/health',
  systemProperties: { greeting: 'hello' },
  configMapData: {},
  token: 'secret',
  readySeconds: 60,
};

interface Made {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Record<string, string> };
    readonly template: {
      readonly metadata: {
        readonly labels: Record<string, string>;
        readonly annotations: Record<string, string>;
      };
      readonly spec: Record<string, unknown> & {
        readonly containers: readonly {
          readonly name: string;
          readonly image: string;
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
          readonly resources?: unknown;
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}
const made = (specification = arm): Made => armDeployment(specification) as unknown as Made;

it("keeps production's pod template whole, also fields nobody here knows, but for the build", () => {
  const { spec } = made().spec.template;
  expect(spec).toMatchObject({
    serviceAccountName: 'checkout',
    aFieldFromTheFuture: { kept: [1, 2] },
    volumes: [{ name: 'cache' }, { name: 'speed-gate-agent' }],
  });
  const [app, shipper] = spec.containers;
  expect(app).toMatchObject({ image: arm.image, resources: { limits: { memory: '1Gi' } } });
  expect(shipper).toStrictEqual({ name: 'log-shipper', image: 'registry/shipper:1' });
  expect(app?.env).toContainEqual({ name: 'REGION', value: 'eu' });
  expect(app?.env?.filter(({ name }) => name === 'SPEED_GATE_BUILD_DIGEST')).toStrictEqual([
    { name: 'SPEED_GATE_BUILD_DIGEST', value: digest },
  ]);
});

it("gives pods labels of its own and none that production's selector asks for", () => {
  const { selector, template } = made().spec;
  expect(selector.matchLabels).toStrictEqual({ [ARM_LABEL]: arm.identity.id });
  expect(template.metadata.labels).toMatchObject({
    team: 'shop',
    [ARM_LABEL]: arm.identity.id,
    [SERVICE_LABEL]: 'checkout',
    [SUBSET_LABEL]: arm.identity.id,
  });
  expect(template.metadata.labels).not.toHaveProperty('app');
  expect(template.metadata.labels).not.toHaveProperty('pod-template-hash');
  expect(template.metadata.annotations).toStrictEqual({ 'sidecar.istio.io/inject': 'true' });
  expect(identityOf(made().metadata.labels)).toStrictEqual(arm.identity);
});

it('changes nothing of the template it was given', () => {
  const before = JSON.stringify(production);
  made();
  expect(JSON.stringify(production)).toBe(before);
});

it('lets everything belong to the record, so that who deletes it deletes all', () => {
  for (const { object } of armObjects(arm, 'uid-1')) {
    expect(object.metadata.ownerReferences).toMatchObject([
      { kind: 'ConfigMap', name: arm.identity.id, uid: 'uid-1' },
    ]);
  }
});

it('names the containers that there are when the one asked for is not there', () => {
  expect(() => {
    requireContainer(arm.template, 'web');
  }).toThrow(/no container web .* it has app, log-shipper/);
});

it('takes an image by digest and never by a tag', () => {
  expect(imageByDigest('registry:5000/checkout', digest)).toBe(
    `registry:5000/checkout@sha256:${digest}`,
  );
  expect(imageByDigest(`r/c@sha256:${digest}`, digest)).toBe(`r/c@sha256:${digest}`);
  expect(() => imageByDigest('registry:5000/checkout:1', digest)).toThrow(/without a tag/);
  expect(() => imageByDigest(`r/c@sha256:${'b'.repeat(64)}`, digest)).toThrow(/its digest is/);
  expect(() => imageByDigest('r/c', 'abc')).toThrow(/no SHA-256/);
});

it("finds the Services that would send requests past the gate's routes", () => {
  const labels = made().spec.template.metadata.labels;
  const service = (name: string, selector: Record<string, string> | undefined) => ({
    metadata: { name },
    spec: { selector },
  });
  expect(
    selectingServices(
      [
        service('by-app', { app: 'checkout' }),
        service('by-team', { team: 'shop' }),
        service('headless', undefined),
        service('ours', { [SERVICE_LABEL]: 'checkout' }),
      ],
      labels,
    ),
  ).toStrictEqual([{ name: 'by-team', selector: 'team=shop' }]);
});

it('reads its record back, and nothing else as one', () => {
  const record: ArmRecord = {
    version: 1,
    service: { name: 'checkout', hosts: ['a'], healthPath: '/', systemProperties: {} },
    build: { digest, image: arm.image },
    nodes: 2,
    hash: 'h',
    values: { 'jetty.maxThreads': 200 },
    meshValues: {},
  };
  expect(recordOf(dataOf(record))).toStrictEqual(record);
  expect(recordOf({ 'arm.json': JSON.stringify({ ...record, version: 2 }) })).toBeUndefined();
  expect(recordOf({ 'arm.json': '{' })).toBeUndefined();
  expect(recordOf(undefined)).toBeUndefined();
});
