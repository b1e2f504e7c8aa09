import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPlan, InvalidPlanError, requireValidPlan } from './rules.ts';
import { endpoint, productionPlan, stagingPlan, subset } from './plan-fixture.ts';
import type { MeshPlan, MeshService } from './plan.ts';

function change(plan: MeshPlan, edit: (service: MeshService) => MeshService): MeshPlan {
  return { ...plan, services: plan.services.map(edit) };
}
const rulesOf = (plan: MeshPlan): string[] => checkPlan(plan).map((one) => one.rule);

describe('the rules of a mesh plan', () => {
  it('accept both environments', () => {
    expect(checkPlan(stagingPlan())).toEqual([]);
    expect(checkPlan(productionPlan())).toEqual([]);
    expect(checkPlan({ environment: 'production', services: [] })).toEqual([]);
  });

  const weights = (...list: readonly [string, number][]) =>
    change(productionPlan(), (one) => ({
      ...one,
      defaultRoute: {
        ...one.defaultRoute!,
        weights: list.map(([name, weight]) => ({ subset: name, weight })),
      },
    }));
  const policy = (edit: Partial<MeshService['subsets'][number]['policy']>) =>
    change(productionPlan(), (one) => ({
      ...one,
      subsets: one.subsets.map((each) => ({ ...each, policy: { ...each.policy, ...edit } })),
    }));
  const ejection = (maxEjectionPercent: number, nodes: number) =>
    change(productionPlan(), (one) => {
      const arm = subset(
        'baseline-1',
        ...Array.from({ length: nodes }, (_, index) => endpoint(`n-${index}`, 19_000 + index)),
      );
      const outlier = { ...arm.policy.outlier, maxEjectionPercent };
      return { ...one, subsets: [{ ...arm, policy: { ...arm.policy, outlier } }, one.subsets[1]!] };
    });
  const weighted = (weight: number) =>
    change(productionPlan(), (one) => ({
      ...one,
      subsets: one.subsets.map((each) => ({
        ...each,
        endpoints: each.endpoints.map((node) => ({ ...node, weight })),
      })),
    }));
  const production = productionPlan().services[0]!;
  const staging = stagingPlan().services[0]!;

  it.each<[string, MeshPlan]>([
    ['weights-sum-to-100', weights(['baseline-1', 95], ['candidate-2', 4])],
    ['weights-sum-to-100', weights()],
    ['weights-whole', weights(['baseline-1', 99.5], ['candidate-2', 0.5])],
    ['weights-whole', weights(['baseline-1', 105], ['candidate-2', -5])],
    ['unique-weights', weights(['baseline-1', 50], ['baseline-1', 50])],
    ['routed-subset-exists', weights(['baseline-1', 99], ['gone', 1])],
    ['routed-subset-exists', weights(['baseline-1', 100], ['gone', 0])],
    [
      'unique-hosts',
      {
        ...productionPlan(),
        services: [production, { ...production, name: 'cart', hosts: ['CHECKOUT.localhost'] }],
      },
    ],
    [
      'unique-services',
      { ...productionPlan(), services: [production, { ...production, hosts: ['other'] }] },
    ],
    [
      'unique-subsets',
      change(productionPlan(), (one) => ({ ...one, subsets: [...one.subsets, one.subsets[0]!] })),
    ],
    [
      'unique-arm-headers',
      change(stagingPlan(), (one) => ({
        ...one,
        armRoutes: [...one.armRoutes, one.armRoutes[0]!],
      })),
    ],
    ['names', change(productionPlan(), (one) => ({ ...one, name: 'check.out' }))],
    ['hosts', change(productionPlan(), (one) => ({ ...one, hosts: ['*'] }))],
    ['hosts', change(productionPlan(), (one) => ({ ...one, hosts: ['checkout:80'] }))],
    ['hosts', change(productionPlan(), (one) => ({ ...one, hosts: [] }))],
    ['health-path', change(productionPlan(), (one) => ({ ...one, healthPath: '/a b' }))],
    [
      'no-arm-routes-in-production',
      change(productionPlan(), (one) => ({ ...one, armRoutes: [staging.armRoutes[1]!] })),
    ],
    [
      'no-planted-delay-in-production',
      change(productionPlan(), (one) => ({ ...one, armRoutes: [staging.armRoutes[0]!] })),
    ],
    [
      'planted-delay-range',
      change(stagingPlan(), (one) => ({
        ...one,
        armRoutes: [{ ...one.armRoutes[0]!, plantedDelayMs: 0 }],
      })),
    ],
    [
      'arm-header-value',
      change(stagingPlan(), (one) => ({
        ...one,
        armRoutes: [{ ...one.armRoutes[0]!, headerValue: 'a\r\nb' }],
      })),
    ],
    [
      'per-try-below-timeout',
      change(productionPlan(), (one) => ({
        ...one,
        defaultRoute: { ...one.defaultRoute!, perTryTimeoutMs: 10_000 },
      })),
    ],
    [
      'per-try-needs-attempts',
      change(productionPlan(), (one) => ({
        ...one,
        defaultRoute: { ...one.defaultRoute!, attempts: 0 },
      })),
    ],
    [
      'tries-bounded',
      change(productionPlan(), (one) => ({
        ...one,
        defaultRoute: { ...one.defaultRoute!, attempts: 3 },
      })),
    ],
    [
      'route-timeout',
      change(stagingPlan(), (one) => ({
        ...one,
        armRoutes: [{ ...one.armRoutes[1]!, timeoutMs: 0 }],
      })),
    ],
    ['policy-range', policy({ maxConnections: 0 })],
    ['policy-range', policy({ idleTimeoutMs: Number.NaN })],
    ['policy-range', policy({ maxRequestsPerConnection: -1 })],
    ['endpoint-weight', weighted(0)],
    ['endpoint-weight', weighted(1.5)],
    ['endpoint-weight', weighted(129)],
    ['ejection-takes-a-node', ejection(10, 2)],
    ['ejection-leaves-a-node', ejection(100, 2)],
    ['ejection-leaves-a-node', ejection(100, 1)],
    [
      'endpoint-address',
      change(productionPlan(), (one) => ({
        ...one,
        subsets: [
          subset('baseline-1', { ...endpoint('n', 1), address: 'localhost' }),
          one.subsets[1]!,
        ],
      })),
    ],
    [
      'unique-endpoints',
      change(productionPlan(), (one) => ({
        ...one,
        subsets: [subset('baseline-1', endpoint('a', 1), endpoint('b', 1)), one.subsets[1]!],
      })),
    ],
  ])('%s', (rule, plan) => {
    expect(rulesOf(plan)).toContain(rule);
    expect(() => {
      requireValidPlan(plan);
    }).toThrow(InvalidPlanError);
  });

  it('take weights between endpoints', () => {
    expect(rulesOf(weighted(1))).toEqual([]);
    expect(rulesOf(weighted(128))).toEqual([]);
  });

  it('let a subset without a usable endpoint carry weight 0 only', () => {
    const drained = (weight: number) =>
      change(productionPlan(), (one) => ({
        ...one,
        subsets: [one.subsets[0]!, subset('candidate-2', endpoint('c', 18_003, true))],
        defaultRoute: {
          ...one.defaultRoute!,
          weights: [
            { subset: 'baseline-1', weight: 100 - weight },
            { subset: 'candidate-2', weight },
          ],
        },
      }));
    expect(rulesOf(drained(0))).toEqual([]);
    expect(rulesOf(drained(1))).toEqual(['routed-subset-has-endpoint']);
  });

  it('hold arms in staging to the same', () => {
    const plan = change(stagingPlan(), (one) => ({
      ...one,
      subsets: [one.subsets[0]!, subset('candidate-2')],
    }));
    expect(rulesOf(plan)).toEqual(['routed-subset-has-endpoint']);
  });

  it('take an outlier share exactly when it means at least one node and not all', () => {
    const whole = (limit: number) => fc.integer({ min: 0, max: limit });
    fc.assert(
      fc.property(whole(100), whole(7), (percent, more) => {
        const nodes = 2 + more;
        const ejectable = Math.floor((percent * nodes) / 100);
        expect(rulesOf(ejection(percent, nodes)).length === 0).toBe(
          ejectable >= 1 && ejectable < nodes,
        );
      }),
    );
  });

  it('report everything at once, with service and subset', () => {
    const plan = change(policy({ maxConnections: 0 }), (one) => ({ ...one, hosts: [] }));
    const messages = checkPlan(plan).map((one) => one.message);
    expect(messages).toHaveLength(3);
    expect(messages.join(' ')).toContain('Service checkout: Subset candidate-2: maxConnections');
  });
});
