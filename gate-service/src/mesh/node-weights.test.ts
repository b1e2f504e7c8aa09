import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EnvoyPlacement } from './envoy/bootstrap.ts';
import { renderXds } from './envoy/render.ts';
import { renderIstio } from './istio/render.ts';
import type { IstioPlacement } from './istio/resources.ts';
import { nodeWeights, speedOf } from './node-weights.ts';
import { productionPlan } from './plan-fixture.ts';
import type { MeshPlan, TrafficPolicy } from './plan.ts';

describe('weights of nodes', () => {
  it('follow the speed as far as they are told to', () => {
    expect(nodeWeights([10, 5, 1], 0)).toEqual([1, 1, 1]);
    expect(nodeWeights([10, 5, 1], 100)).toEqual([100, 50, 10]);
    expect(nodeWeights([400, 100], 50)).toEqual([100, 50]);
    expect(nodeWeights([1, 100_000], 100)).toEqual([1, 100]);
  });

  it('are equal for equal nodes, and where a speed is unknown', () => {
    expect(nodeWeights([3, 3, 3], 100)).toEqual([1, 1, 1]);
    expect(nodeWeights([], 100)).toEqual([]);
    for (const bad of [undefined, Number.NaN, 0, -1, Number.POSITIVE_INFINITY]) {
      expect(nodeWeights([10, bad, 1], 100)).toEqual([1, 1, 1]);
    }
    expect(speedOf({ requests: 900, busySeconds: 3 })).toBe(300);
    expect(speedOf({ requests: 0, busySeconds: 3 })).toBeUndefined();
    expect(speedOf({ requests: 5, busySeconds: 0 })).toBeUndefined();
  });

  it('refuse a percent that is none', () => {
    expect(() => nodeWeights([1, 2], Number.NaN)).toThrow(RangeError);
    expect(() => nodeWeights([1, 2], 101)).toThrow('0..100 %');
  });

  it('never give a faster node less', () => {
    const speed = fc.double({ min: 0.01, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(speed, speed, fc.integer({ min: 0, max: 100 }), (one, other, percent) => {
        const [first, second] = nodeWeights([one, other], percent) as [number, number];
        expect(first).toBeGreaterThanOrEqual(1);
        if (one >= other) expect(first).toBeGreaterThanOrEqual(second);
      }),
    );
  });
});

describe('both renderings', () => {
  const placement: EnvoyPlacement = {
    directory: '/state/xds',
    listen: { address: '127.0.0.1', port: 18_080 },
    admin: { address: '127.0.0.1', port: 18_081 },
    nodeId: 'production',
  };
  const istio: IstioPlacement = {
    namespace: 'shop',
    gateway: { kind: 'own', selector: { istio: 'gw' }, listen: { port: 8000 } },
    endpoints: { kind: 'listed' },
  };

  function withSubsets(
    weights: readonly number[] | undefined,
    policy: Partial<TrafficPolicy>,
  ): MeshPlan {
    const plan = productionPlan();
    const services = plan.services.map((service) => ({
      ...service,
      subsets: service.subsets.map((one) => ({
        ...one,
        policy: { ...one.policy, ...policy },
        endpoints: one.endpoints.map((node, index) => ({
          ...node,
          ...(weights && { weight: weights[index] ?? 1 }),
        })),
      })),
    }));
    return { ...plan, services };
  }

  interface LbEndpoint {
    readonly load_balancing_weight?: number;
    readonly endpoint: { readonly address: { readonly socket_address: { port_value: number } } };
  }

  const envoyWeights = (plan: MeshPlan) =>
    renderXds(plan, placement)
      .filter(({ kind }) => kind === 'eds')
      .flatMap(({ text }) => {
        const file = JSON.parse(text) as {
          resources: { endpoints: { lb_endpoints: LbEndpoint[] }[] }[];
        };
        return file.resources.flatMap(({ endpoints }) =>
          endpoints.flatMap(({ lb_endpoints }) => lb_endpoints),
        );
      })
      .map((one) => [
        one.endpoint.address.socket_address.port_value,
        one.load_balancing_weight ?? 1,
      ]);

  const istioWeights = (plan: MeshPlan) =>
    renderIstio(plan, istio)
      .filter(({ kind }) => kind === 'WorkloadEntry')
      .map(({ spec }) => {
        const { ports, weight } = spec as { ports: { http: number }; weight?: number };
        return [ports.http, weight ?? 1];
      });

  it('give every endpoint the same weight', () => {
    const plan = withSubsets(nodeWeights([4, 1], 100), {});
    expect(envoyWeights(plan)).toEqual([
      [18_001, 100],
      [18_002, 25],
      [18_003, 100],
    ]);
    expect(istioWeights(plan)).toEqual(envoyWeights(plan));
    expect(istioWeights(withSubsets(undefined, {}))).toEqual([
      [18_001, 1],
      [18_002, 1],
      [18_003, 1],
    ]);
  });

  it('say the same of connections and outlier detection', () => {
    const outlier = {
      consecutiveGatewayErrors: 7,
      intervalMs: 1500,
      baseEjectionMs: 4000,
      maxEjectionPercent: 50,
    };
    const plan = withSubsets(undefined, { maxRequestsPerConnection: 4711, outlier });
    const cds = renderXds(plan, placement).find(({ kind }) => kind === 'cds')!.text;
    expect(cds.match(/"max_requests_per_connection": 4711\b/g)).toHaveLength(2);
    expect(cds).toMatch(/"consecutive_gateway_failure": 7,/);
    expect(cds).toMatch(/"interval": "1.5s",\s+"base_ejection_time": "4s"/);
    const rule = renderIstio(plan, istio).find(({ kind }) => kind === 'DestinationRule')!;
    const [subset] = rule.spec.subsets as [{ trafficPolicy: Record<string, object> }];
    expect(subset.trafficPolicy).toMatchObject({
      connectionPool: { http: { maxRequestsPerConnection: 4711 } },
      outlierDetection: {
        consecutiveGatewayErrors: 7,
        interval: '1500ms',
        baseEjectionTime: '4s',
        maxEjectionPercent: 50,
      },
    });
  });
});
