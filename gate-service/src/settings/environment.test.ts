import { expect, it } from 'vitest';
import { readSettings, SettingsError, stateDirectoryOf, storePlaceOf } from './environment.ts';

const least = { SPEED_GATE_CATALOGUE: '/etc/speed-gate/catalogue.yaml' };

/** Files as a folder has them; any other does not exist. */
const files = (texts: Readonly<Record<string, string>>) => (file: string) => {
  const text = texts[file];
  if (text === undefined) throw Object.assign(new Error('none'), { code: 'ENOENT' });
  return text;
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as SettingsError).problems;
  }
  return expect.unreachable();
}

it('has a default for everything but the catalogue, on loopback', () => {
  expect(readSettings({ ...least, XDG_STATE_HOME: '/var/state' })).toStrictEqual({
    listen: { host: '127.0.0.1', port: 7080 },
    stateDirectory: '/var/state/speed-gate',
    catalogueFile: '/etc/speed-gate/catalogue.yaml',
    ports: { staging: 7081, production: 7082 },
    platform: { kind: 'local' },
    maxBuildMiB: 512,
    retentionDays: 30,
    requestsPerMinute: 1200,
    logLevel: 'info',
    drainSeconds: 10,
    warnings: [],
  });
});

const everything = {
  listen: '[::1]:0',
  state: '/s',
  catalogue: '/c',
  identitiesFile: '/i',
  webhooksFile: '/w',
  databaseUrl: 'postgres://gate:secret@db/gate',
  stagingPort: 1,
  productionPort: 2,
  platform: 'kubernetes',
  agentKeyFile: '/k',
  kubernetesStagingAccount: 'system:serviceaccount:gate:staging',
  kubernetesProductionAccount: 'system:serviceaccount:gate:production',
  prometheusUrl: 'http://prometheus:9090/',
  prometheusTargets: 'job="edge"',
  otlpUrl: 'https://otel:4318',
  gateways: 'envoy',
  gatewayAdminPort: 15_001,
  istiodNamespace: 'mesh',
  istiodTokenFile: '/t',
  senderImage: 'r/gate@sha256:00',
  senderWorkers: 3,
  nodeCores: 2,
  nodeMemoryMib: 2048,
  maxBuildMib: 64,
  retentionDays: 7,
  requestsPerMinute: 60,
  logLevel: 'debug',
  drainSeconds: 0.5,
};
const read = {
  listen: { host: '::1', port: 0 },
  stateDirectory: '/s',
  catalogueFile: '/c',
  identitiesFile: '/i',
  webhooksFile: '/w',
  databaseUrl: 'postgres://gate:secret@db/gate',
  ports: { staging: 1, production: 2 },
  platform: {
    kind: 'kubernetes',
    agentKeyFile: '/k',
    accounts: {
      staging: 'system:serviceaccount:gate:staging',
      production: 'system:serviceaccount:gate:production',
    },
    prometheusUrl: 'http://prometheus:9090',
    prometheusTargets: 'job="edge"',
    gateways: 'envoy',
    gatewayAdminPort: 15_001,
    istiod: { namespace: 'mesh', tokenFile: '/t' },
    sender: { image: 'r/gate@sha256:00', workers: 3 },
    node: { cores: 2, memoryMiB: 1920, fileDescriptors: 65_536 },
  },
  otlpUrl: 'https://otel:4318',
  maxBuildMiB: 64,
  retentionDays: 7,
  requestsPerMinute: 60,
  logLevel: 'debug',
  drainSeconds: 0.5,
  warnings: [],
};

it('reads every variable', () => {
  expect(
    readSettings({
      SPEED_GATE_LISTEN: '[::1]:0',
      SPEED_GATE_STATE: '/s',
      SPEED_GATE_CATALOGUE: '/c',
      SPEED_GATE_IDENTITIES_FILE: '/i',
      SPEED_GATE_WEBHOOKS_FILE: '/w',
      DATABASE_URL: 'postgres://gate:secret@db/gate',
      SPEED_GATE_STAGING_PORT: '1',
      SPEED_GATE_PRODUCTION_PORT: '2',
      SPEED_GATE_PLATFORM: 'kubernetes',
      SPEED_GATE_AGENT_KEY_FILE: '/k',
      SPEED_GATE_KUBERNETES_STAGING_ACCOUNT: 'system:serviceaccount:gate:staging',
      SPEED_GATE_KUBERNETES_PRODUCTION_ACCOUNT: 'system:serviceaccount:gate:production',
      SPEED_GATE_PROMETHEUS_URL: 'http://prometheus:9090/',
      SPEED_GATE_PROMETHEUS_TARGETS: 'job="edge"',
      SPEED_GATE_OTLP_URL: 'https://otel:4318',
      SPEED_GATE_GATEWAYS: 'envoy',
      SPEED_GATE_GATEWAY_ADMIN_PORT: '15001',
      SPEED_GATE_ISTIOD_NAMESPACE: 'mesh',
      SPEED_GATE_ISTIOD_TOKEN_FILE: '/t',
      SPEED_GATE_SENDER_IMAGE: 'r/gate@sha256:00',
      SPEED_GATE_SENDER_WORKERS: '3',
      SPEED_GATE_NODE_CORES: '2',
      SPEED_GATE_NODE_MEMORY_MIB: '2048',
      SPEED_GATE_MAX_BUILD_MIB: '64',
      SPEED_GATE_RETENTION_DAYS: '7',
      SPEED_GATE_REQUESTS_PER_MINUTE: '60',
      SPEED_GATE_LOG_LEVEL: 'debug',
      SPEED_GATE_DRAIN_SECONDS: '0.5',
    }),
  ).toStrictEqual(read);
});

it('reads the same from a file, and the environment comes before it', () => {
  const text = files({ '/etc/gate/settings.yaml': JSON.stringify(everything) });
  const environment = { SPEED_GATE_SETTINGS: '/etc/gate/settings.yaml' };
  expect(readSettings(environment, text)).toStrictEqual(read);
  expect(readSettings({ ...environment, SPEED_GATE_STATE: '/e' }, text).stateDirectory).toBe('/e');
  expect(stateDirectoryOf(environment, text)).toBe('/s');
});

it('asks platform kubernetes for what it cannot be without, by the name that the person used', () => {
  const wrong = { ...least, SPEED_GATE_PLATFORM: 'kubernetes' };
  expect(problemsOf(() => readSettings(wrong))).toStrictEqual([
    'SPEED_GATE_AGENT_KEY_FILE: is required on platform kubernetes',
    'SPEED_GATE_PROMETHEUS_URL: is required on platform kubernetes',
  ]);
  const text = files({ '/f': 'platform: kubernetes\nagentKeyFile: key\n' });
  expect(
    problemsOf(() => readSettings({ ...least, SPEED_GATE_SETTINGS: '/f' }, text)),
  ).toStrictEqual(['SPEED_GATE_PROMETHEUS_URL: is required on platform kubernetes']);
  const needless = { ...least, SPEED_GATE_PROMETHEUS_URL: 'http://prometheus:9090' };
  expect(readSettings(needless).platform).toStrictEqual({ kind: 'local' });
});

it('takes paths in a file from its folder, and an empty file for no settings', () => {
  const text = files({
    '/etc/gate/settings.yaml': 'catalogue: c.yaml\nstate: ../state\n',
    '/e': '',
  });
  const settings = readSettings({ SPEED_GATE_SETTINGS: '/etc/gate/settings.yaml' }, text);
  expect(settings.catalogueFile).toBe('/etc/gate/c.yaml');
  expect(settings.stateDirectory).toBe('/etc/state');
  expect(readSettings({ ...least, SPEED_GATE_SETTINGS: '/e' }, text).retentionDays).toBe(30);
});

it('reads the address of the database from a file of its own', () => {
  const text = files({ '/run/url': 'postgres://gate:secret@db/gate\n' });
  const environment = { ...least, DATABASE_URL_FILE: '/run/url' };
  expect(readSettings(environment, text).databaseUrl).toBe('postgres://gate:secret@db/gate');
  const both = { ...environment, DATABASE_URL: 'postgres://db/gate' };
  expect(problemsOf(() => readSettings(both, text))).toStrictEqual([
    'DATABASE_URL_FILE: DATABASE_URL is set as well: set one',
  ]);
});

it('knows the identities file by its former name, but not by both', () => {
  const former = { ...least, SPEED_GATE_TOKENS_FILE: '/t' };
  expect(readSettings(former).identitiesFile).toBe('/t');
  expect(
    problemsOf(() => readSettings({ ...former, SPEED_GATE_IDENTITIES_FILE: '/i' })),
  ).toStrictEqual([expect.stringMatching(/^SPEED_GATE_TOKENS_FILE: .*set one$/)]);
});

it('says every mistake of environment and file at once, and repeats no value', () => {
  const secret = 'hunter2';
  const text = files({
    '/f': `maxBuildMib: ${secret}\nretentionDays: 99999\nlistenn: ${secret}\nlogLevel: [${secret}]\n`,
    '/g': `maxBuildMib: ${secret}\nretentionDays: 99999\n`,
  });
  const wrong = {
    SPEED_GATE_LISTEN: secret,
    SPEED_GATE_CATALOGUE: '',
    DATABASE_URL: secret,
    SPEED_GATE_LOG_LEVEL: secret,
    SPEED_GATE_DRAIN_SECONDS: '9999',
    SPEED_GATE_SETTINGS: '/g',
  };
  const values = problemsOf(() => readSettings(wrong, text));
  expect(values.map((problem) => problem.split(': ')[0])).toStrictEqual([
    'SPEED_GATE_LISTEN',
    'SPEED_GATE_CATALOGUE',
    'DATABASE_URL',
    '/g maxBuildMib',
    '/g retentionDays',
    'SPEED_GATE_LOG_LEVEL',
    'SPEED_GATE_DRAIN_SECONDS',
  ]);
  const form = problemsOf(() => readSettings({ ...wrong, SPEED_GATE_SETTINGS: '/f' }, text));
  expect(form[0]).toMatch(/^\/f:4 logLevel: expected a text or a number$/);
  expect(form[1]).toMatch(/^\/f:1: unknown: listenn; known are listen, /);
  expect(form.map((problem) => problem.split(':')[0])).toContain('SPEED_GATE_LISTEN');
  expect([...values, ...form].join()).not.toContain(secret);
});

it('says which file it cannot read', () => {
  const missing = { ...least, SPEED_GATE_SETTINGS: '/none', DATABASE_URL_FILE: '/none' };
  expect(problemsOf(() => readSettings(missing, files({})))).toStrictEqual([
    'SPEED_GATE_SETTINGS: the file cannot be read (ENOENT)',
    'DATABASE_URL_FILE: the file cannot be read (ENOENT)',
  ]);
});

it('warns of variables that mean nothing, but not of those of Kubernetes and webhooks', () => {
  const { warnings } = readSettings({
    ...least,
    SPEED_GATE_RETENTION: '7',
    SPEED_GATE_PORT: 'tcp://10.0.0.1:80',
    SPEED_GATE_PORT_80_TCP_ADDR: '10.0.0.1',
    SPEED_GATE_SERVICE_HOST: '10.0.0.1',
    SPEED_GATE_WEBHOOK_SECRET: 'x',
  });
  expect(warnings).toStrictEqual([expect.stringContaining('SPEED_GATE_RETENTION')]);
});

it.each(['localhost', ':80', 'a:b', '127.0.0.1:70000', '127.0.0.1:', 'tcp://10.0.0.1:80'])(
  'refuses %s as an address',
  (text) => {
    expect(() => readSettings({ ...least, SPEED_GATE_LISTEN: text })).toThrow(/HOST:PORT/);
  },
);

it('never takes the default folder for one that a broken settings file may name', () => {
  const text = files({ '/broken': 'state: /s\nstat: /t\n' });
  for (const file of ['/broken', '/missing']) {
    const environment = { SPEED_GATE_SETTINGS: file };
    expect(problemsOf(() => stateDirectoryOf(environment, text))).toHaveLength(1);
    expect(problemsOf(() => storePlaceOf(environment, undefined, text))).toHaveLength(1);
    expect(stateDirectoryOf({ ...environment, SPEED_GATE_STATE: '/e' }, text)).toBe('/e');
    expect(storePlaceOf(environment, '/e', text)).toStrictEqual({ file: '/e/speed-gate.sqlite' });
  }
});

it('finds the database wherever the service has it from', () => {
  const url = 'postgres://gate:secret@db/gate';
  const text = files({
    '/url': `databaseUrl: ${url}`,
    '/file': 'databaseUrlFile: /secret',
    '/none': 'state: /s',
    '/lost': 'databaseUrlFile: /nothing',
    '/secret': `${url}\n`,
    '/wrong': 'mysql://db',
  });
  const placeOf = (environment: Readonly<Record<string, string>>, state?: string) =>
    storePlaceOf(environment, state, text);
  for (const environment of [
    { DATABASE_URL: url },
    { DATABASE_URL_FILE: '/secret' },
    { SPEED_GATE_SETTINGS: '/url' },
    { SPEED_GATE_SETTINGS: '/file' },
  ]) {
    expect(placeOf(environment)).toStrictEqual({ url });
    expect(placeOf(environment, '/t')).toStrictEqual({ file: '/t/speed-gate.sqlite' });
  }
  expect(placeOf({ SPEED_GATE_SETTINGS: '/none' })).toStrictEqual({
    file: '/s/speed-gate.sqlite',
  });
  for (const environment of [
    { SPEED_GATE_SETTINGS: '/lost' },
    { DATABASE_URL_FILE: '/wrong' },
    { DATABASE_URL: 'mysql://db', SPEED_GATE_STATE: '/s' },
  ]) {
    expect(problemsOf(() => placeOf(environment))).toHaveLength(1);
  }
});
