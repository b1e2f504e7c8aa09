import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { endpoint, productionPlan, stagingPlan, subset } from '../plan-fixture.ts';
import { InvalidPlanError } from '../rules.ts';
import { renderIstio, toYaml } from './render.ts';
import type { IstioPlacement } from './resources.ts';

const placement: IstioPlacement = {
  namespace: 'shop',
  gateway: { kind: 'own', selector: { istio: 'gw' }, listen: { port: 8000 } },
  endpoints: { kind: 'listed' },
};

describe('the rendering to Istio', () => {
  it.each([stagingPlan(), productionPlan()])('of $environment is as agreed', async (plan) => {
    const text = toYaml(renderIstio(plan, placement));
    await expect(text).toMatchFileSnapshot(`golden/${plan.environment}.yaml`);
  });

  it('applies what is routed to before the routes', () => {
    const kinds = renderIstio(productionPlan(), placement).map((one) => one.kind);
    expect(kinds.indexOf('VirtualService')).toBeGreaterThan(kinds.lastIndexOf('DestinationRule'));
    expect(kinds.indexOf('DestinationRule')).toBeGreaterThan(kinds.lastIndexOf('WorkloadEntry'));
  });

  it('has a name of its own for every object and no YAML aliases', () => {
    const resources = renderIstio(stagingPlan(), placement);
    const names = resources.map((one) => `${one.kind}/${one.metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    const text = toYaml(resources);
    expect(parseAllDocuments(text).map((one) => one.toJS() as unknown)).toEqual(resources);
    expect(text).not.toMatch(/[&*]a\d/);
  });

  it('leaves draining endpoints out', () => {
    const plan = productionPlan();
    const service = plan.services[0]!;
    const subsets = [
      subset('baseline-1', endpoint('a', 1), endpoint('b', 2, true)),
      service.subsets[1]!,
    ];
    const drained = renderIstio({ ...plan, services: [{ ...service, subsets }] }, placement);
    const entries = drained.filter((one) => one.kind === 'WorkloadEntry');
    expect(entries.map((one) => one.metadata.name)).toEqual(['a', 'candidate-2-a']);
  });

  it('is bound to gateways of others and finds its pods by label where it is told to', () => {
    const resources = renderIstio(productionPlan(), {
      namespace: 'shop',
      gateway: { kind: 'existing', names: ['edge/production'] },
      endpoints: { kind: 'pods', targetPort: 8080 },
    });
    const found = Object.fromEntries(resources.map(({ kind, spec }) => [kind, spec]));
    expect(Object.keys(found)).toEqual(['ServiceEntry', 'DestinationRule', 'VirtualService']);
    expect(found.VirtualService).toMatchObject({ gateways: ['edge/production'] });
    expect(found.ServiceEntry).toMatchObject({
      ports: [{ number: 80, targetPort: 8080 }],
      workloadSelector: { labels: { 'speed-gate.dev/service': 'checkout' } },
    });
  });

  it('ejects nobody where the plan’s share is 0, which Istio takes for 10 %', () => {
    const plan = productionPlan();
    const services = plan.services.map((service) => ({
      ...service,
      subsets: service.subsets.map((one) => {
        const outlier = { ...one.policy.outlier, maxEjectionPercent: 0 };
        const policy = { ...one.policy, outlier };
        return { ...one, policy, endpoints: one.endpoints.slice(0, 1) };
      }),
    }));
    const text = toYaml(renderIstio({ ...plan, services }, placement));
    expect(text.match(/consecutiveGatewayErrors: 0/g)).toHaveLength(2);
  });

  it('turns Istio’s default retries off where the plan has none', () => {
    const text = toYaml(renderIstio(stagingPlan(), placement));
    expect(text.match(/retries:\n\s+attempts: 0\n/g)).toHaveLength(3);
    expect(text).not.toContain('retryOn');
  });

  it('refuses a plan that breaks a rule', () => {
    const plan = { ...stagingPlan(), environment: 'production' as const };
    expect(() => renderIstio(plan, placement)).toThrow(InvalidPlanError);
  });
});
