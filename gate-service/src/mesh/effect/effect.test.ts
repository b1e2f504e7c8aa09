import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dumpOfFiles } from '../../../../test/kubernetes/support/dump-of-files.ts';
import { randomPlan } from '../../../../test/kubernetes/support/random-plans.ts';
import { productionPlan, stagingPlan } from '../plan-fixture.ts';
import type { MeshPlan, MeshService, Subset } from '../plan.ts';
import { differences } from './differences.ts';
import { localSubset, istioSubset } from './names.ts';
import { parseDump, trafficOfDump } from './of-dump.ts';
import { trafficOfPlan } from './of-plan.ts';
import { UnreadableTrafficError } from './traffic.ts';

const seen = (plan: MeshPlan, asked = plan) =>
  trafficOfDump(parseDump(dumpOfFiles(plan)), asked, localSubset);

/** JSON as protobuf writes it unless told to keep proto names. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.includes('.')
        ? name
        : name.replaceAll(/_([a-z0-9])/g, (_, next: string) => next.toUpperCase()),
      camelCased(inner),
    ]),
  );
}

/** The dump of a plan, with a piece of its text replaced. */
function seenWith(plan: MeshPlan, right: string | RegExp, wrong: string) {
  const text = JSON.stringify(dumpOfFiles(plan));
  expect(text).toMatch(right);
  const changed = JSON.parse(text.replace(right, wrong)) as unknown;
  return trafficOfDump(parseDump(changed), plan, localSubset);
}

const inService = (plan: MeshPlan, edit: (one: MeshService) => MeshService): MeshPlan => ({
  ...plan,
  services: plan.services.map(edit),
});
const inPolicy = (edit: (one: Subset['policy']) => Subset['policy']) =>
  inService(productionPlan(), (service) => ({
    ...service,
    subsets: service.subsets.map((one) => ({ ...one, policy: edit(one.policy) })),
  }));
const inDefault = (edit: Partial<NonNullable<MeshService['defaultRoute']>>) =>
  inService(productionPlan(), (one) => ({
    ...one,
    defaultRoute: { ...one.defaultRoute!, ...edit },
  }));
const inArm = (edit: Partial<MeshService['armRoutes'][number]>) =>
  inService(stagingPlan(), (one) => ({
    ...one,
    armRoutes: [{ ...one.armRoutes[0]!, ...edit }, one.armRoutes[1]!],
  }));
const inEndpoint = (edit: object) =>
  inService(productionPlan(), (one) => ({
    ...one,
    subsets: one.subsets.map((each) => ({
      ...each,
      endpoints: [{ ...each.endpoints[0]!, ...edit }, ...each.endpoints.slice(1)],
    })),
  }));

describe('the traffic read from an Envoy’s configuration', () => {
  it('is what the plan asks for', () => {
    fc.assert(
      fc.property(randomPlan(), (plan) => {
        expect(differences(trafficOfPlan(plan), seen(plan))).toEqual([]);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('is the same in istiod’s spelling', () => {
    for (const plan of [stagingPlan(), productionPlan()]) {
      const dump = parseDump(camelCased(dumpOfFiles(plan)));
      const found = trafficOfDump(dump, plan, localSubset);
      expect(differences(trafficOfPlan(plan), found)).toEqual([]);
    }
  });

  it.each<[string, MeshPlan]>([
    ['loadBalancer', inPolicy((one) => ({ ...one, loadBalancer: 'ROUND_ROBIN' }))],
    ['connectTimeoutMs', inPolicy((one) => ({ ...one, connectTimeoutMs: 501 }))],
    ['idleTimeoutMs', inPolicy((one) => ({ ...one, idleTimeoutMs: 3001 }))],
    ['maxConnections', inPolicy((one) => ({ ...one, maxConnections: 1001 }))],
    ['maxPendingRequests', inPolicy((one) => ({ ...one, maxPendingRequests: 201 }))],
    ['maxRequestsPerConnection', inPolicy((one) => ({ ...one, maxRequestsPerConnection: 9 }))],
    ...(
      [
        ['consecutiveGatewayErrors', 4],
        ['intervalMs', 501],
        ['baseEjectionMs', 2001],
        ['maxEjectionPercent', 51],
      ] as const
    ).map(([name, value]): [string, MeshPlan] => [
      'outlier',
      inPolicy((one) => ({ ...one, outlier: { ...one.outlier, [name]: value } })),
    ]),
    ['endpoints', inEndpoint({ port: 18_009 })],
    ['endpoints', inEndpoint({ address: '127.0.0.2' })],
    ['endpoints', inEndpoint({ weight: 2 })],
    ['timeoutMs', inDefault({ timeoutMs: 10_001 })],
    ['retries', inDefault({ attempts: 2 })],
    ['retries', inDefault({ perTryTimeoutMs: 4501 })],
    [
      'shares',
      inDefault({
        weights: [
          { subset: 'baseline-1', weight: 94 },
          { subset: 'candidate-2', weight: 6 },
        ],
      }),
    ],
    ['delayMs', inArm({ plantedDelayMs: 26 })],
    ['timeoutMs', inArm({ timeoutMs: 10_001 })],
    ['shares', inArm({ subset: 'candidate-2' })],
    ['shares', inArm({ headerValue: 'other' })],
    ['status', inService(stagingPlan(), (one) => ({ ...one, hosts: ['other.localhost'] }))],
  ])('tells a plan with another %s from the fixture', (field, other) => {
    const plan = other.environment === 'staging' ? stagingPlan() : productionPlan();
    const found = differences(trafficOfPlan(plan), seen(other, plan));
    expect(found.join('\n')).toContain(`${field} is `);
  });

  it.each<[string, MeshPlan, RegExp | string, string]>([
    ['removedFromRequest', stagingPlan(), '"x-speed-gate-planted"]', '"x-other"]'],
    ['removedFromResponse', productionPlan(), /\["x-speed-gate-node"\]/, '[]'],
    ['retries', productionPlan(), 'connect-failure', '5xx'],
    ['retries', productionPlan(), 'previous_hosts', 'others'],
    ['retries', productionPlan(), '0.005s', '0.025s'],
    ['maxRetries', productionPlan(), '"max_retries":4294967295', '"max_retries":3'],
    ['panicPercent', productionPlan(), '"healthy_panic_threshold":{"value":1}', '"x":0'],
    ['placeMatters', productionPlan(), '"lb_endpoints"', '"priority":1,"lb_endpoints"'],
    ['endpoints', productionPlan(), '"HEALTHY"', '"UNHEALTHY"'],
    ['delayMs', stagingPlan(), '"name":"envoy.filters.http.fault"', '"name":"none"'],
    ['delayMs', stagingPlan(), '"headers":[{"name":"x-speed-gate-planted"', '"h":[{"name":"x"'],
  ])('tells %s that is not the plan’s', (field, plan, right, wrong) => {
    const found = differences(trafficOfPlan(plan), seenWith(plan, right, wrong));
    expect(found.join('\n')).toContain(`${field} is `);
  });

  it.each<[string, MeshPlan, RegExp | string, string]>([
    ['takes nodes out by', productionPlan(), '"enforcing_consecutive_5xx":0', '"x":0'],
    ['chosen by', stagingPlan(), '"prefix":"/"', '"connect_matcher":{}'],
    ['a part of its', stagingPlan(), '"numerator":100', '"numerator":50'],
    ['neither forwards', productionPlan(), /"route":\{/, '"redirect":{'],
    ['load_balancing_policy', productionPlan(), '"lb_policy"', '"load_balancing_policy"'],
    ['no duration', productionPlan(), '"connect_timeout":"0.5s"', '"connect_timeout":"soon"'],
  ])('does not guess: %s', (message, plan, right, wrong) => {
    expect(() => seenWith(plan, right, wrong)).toThrow(UnreadableTrafficError);
    expect(() => seenWith(plan, right, wrong)).toThrow(message);
  });

  it('shows a subset that the plan no longer has, and one that is missing', () => {
    const plan = productionPlan();
    const fewer = inService(plan, (one) => ({
      ...one,
      subsets: one.subsets.slice(0, 1),
      defaultRoute: { ...one.defaultRoute!, weights: [{ subset: 'baseline-1', weight: 100 }] },
    }));
    const named = 'Subset checkout/candidate-2';
    expect(differences(trafficOfPlan(fewer), seen(plan, fewer))).toContain(
      `${named} is there, but not wanted.`,
    );
    expect(differences(trafficOfPlan(plan), seen(fewer, plan))).toContain(`${named} is not there.`);
  });

  it('refuses what is no config_dump', () => {
    expect(() => parseDump({})).toThrow(UnreadableTrafficError);
    expect(() => parseDump('404 page not found')).toThrow(UnreadableTrafficError);
  });

  it('knows istiod’s names for subsets of one namespace', () => {
    const subsetOf = istioSubset('shop');
    expect(subsetOf('outbound|80|arm-1|checkout.shop.speed-gate.internal')).toBe('checkout/arm-1');
    expect(subsetOf('outbound|80||checkout.shop.speed-gate.internal')).toBeUndefined();
    expect(subsetOf('outbound|80|arm-1|checkout.other.speed-gate.internal')).toBeUndefined();
    expect(subsetOf('BlackHoleCluster')).toBeUndefined();
  });
});
