import { expect, it } from 'vitest';
import { parseCatalogue } from './catalogue-file.ts';
import { catalogueJsonSchema } from './catalogue.ts';
import { DocumentError } from './yaml-document.ts';

const good = `
services:
  - name: checkout
    hosts: [checkout.example]
    kubernetes:
      deployment: checkout
      repository: registry.example.com:5000/shop/checkout
      container: app
      primary: takes-over
      staging:
        namespace: shop-staging
        hosts: [checkout.staging.example]
        gateways:
          - { namespace: edge, name: staging, address: { host: 10.0.0.1, port: 8000 } }
      production:
        namespace: shop
        gateways:
          - { namespace: edge, name: production, address: { host: 10.0.0.2, port: 80 } }
    workload: { rate: 10, requests: [{ name: get, path: / }] }
    thresholds: [p95 < 200ms]
`;

function problemsOf(text: string, platform: 'local' | 'kubernetes' = 'local') {
  try {
    parseCatalogue(text, 'catalogue.yaml', undefined, platform);
  } catch (error) {
    expect(error).toBeInstanceOf(DocumentError);
    return (error as DocumentError).problems.map(({ message, path }) => `${path}: ${message}`);
  }
  return [];
}

it('reads the part and fills in ports and deadline', () => {
  const [service] = parseCatalogue(good, 'catalogue.yaml').services;
  expect(service?.kubernetes).toMatchObject({
    ports: { http: 8080, agent: 9090 },
    readySeconds: 180,
    primary: 'takes-over',
    staging: { hosts: ['checkout.staging.example'] },
    production: { namespace: 'shop' },
  });
});

it('tells all mistakes at once, each at its place', () => {
  const bad = good
    .replace('namespace: shop-staging', 'namespace: shop')
    .replace('name: staging', 'name: production')
    .replace('container: app', 'container: app\n      ports: { http: 8080, agent: 8080 }');
  expect(problemsOf(bad)).toStrictEqual([
    expect.stringMatching(/^services\[0\]\.kubernetes\.staging\.namespace: .*production's/),
    expect.stringMatching(/^services\[0\]\.kubernetes\.ports\.agent: .*8080/),
    expect.stringMatching(/^services\[0\]\.kubernetes\.staging\.gateways\[0\]: .*edge\/production/),
  ]);
});

it.each([
  ['an unknown key', good.replace('container:', 'contianer:'), /contianer/],
  [
    'a name that Kubernetes has not',
    good.replace('container: app', 'container: App'),
    /lower-case/,
  ],
  ['no gateway', good.replace(/gateways:\n.*staging, address.*\n/, 'gateways: []\n'), /gateways/],
  [
    'an address that production has, too',
    good
      .replace('hosts: [checkout.staging.example]', 'hosts: [CHECKOUT.example]')
      .replace('host: 10.0.0.1, port: 8000', 'host: 10.0.0.2, port: 80'),
    /staging\.gateways\[0\]\.address: production's gateways listen there/,
  ],
  ['a repository with a tag', good.replace('shop/checkout', 'shop/checkout:1'), /repository/],
  ['no repository', good.replace(/ +repository: .*\n/, ''), /repository/],
  ['a port that is none', good.replace('port: 8000', 'port: 0'), /address\.port/],
  [
    'one Deployment for two services',
    good +
      good
        .replace('\nservices:\n', '')
        .replace('name: checkout', 'name: other')
        .replace('checkout.example', 'other.example'),
    /services\[1\]\.kubernetes\.deployment: .*belongs to the service checkout/,
  ],
])('refuses %s', (_, text, message) => {
  expect(problemsOf(text).join('\n')).toMatch(message);
});

it('lets both environments share an address where their hosts tell them apart', () => {
  expect(
    problemsOf(good.replace('host: 10.0.0.1, port: 8000', 'host: 10.0.0.2, port: 80')),
  ).toEqual([]);
});

it('is asked of every service on platform kubernetes, and of none on this machine', () => {
  const without = good.replace(/ {4}kubernetes:\n(?: {6}.*\n)+/, '');
  expect(parseCatalogue(without, 'catalogue.yaml').services).toHaveLength(1);
  expect(problemsOf(without, 'kubernetes')).toStrictEqual([
    expect.stringMatching(/^services\[0\]: platform kubernetes needs .* of checkout/),
  ]);
  expect(problemsOf(good, 'kubernetes')).toEqual([]);
});

it('is in the JSON Schema for editors', () => {
  expect(JSON.stringify(catalogueJsonSchema())).toContain('readySeconds');
});
