import { describe, expect, it } from 'vitest';
import { productionPlan, stagingPlan, subset } from '../plan-fixture.ts';
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../plan.ts';
import type { MeshPlan } from '../plan.ts';
import { InvalidPlanError } from '../rules.ts';
import { LATENCY_BUCKETS_MS, renderBootstrap } from './bootstrap.ts';
import type { EnvoyPlacement } from './bootstrap.ts';
import { PUBLISH_ORDER, renderStatic, renderXds } from './render.ts';

const placement: EnvoyPlacement = {
  directory: '/state/xds',
  listen: { address: '127.0.0.1', port: 18_080 },
  admin: { address: '127.0.0.1', port: 18_081 },
  nodeId: 'staging',
};

describe('the rendering to Envoy', () => {
  it.each([stagingPlan(), productionPlan()])('of $environment is as agreed', async (plan) => {
    const files = renderXds(plan, placement);
    const text = files.map((file) => `# ${file.kind} ${file.name}\n${file.text}`).join('\n');
    await expect(text).toMatchFileSnapshot(`golden/${plan.environment}.txt`);
  });

  it('has the bootstrap as agreed', async () => {
    const text = `${JSON.stringify(renderBootstrap(placement), null, 1)}\n`;
    await expect(text).toMatchFileSnapshot('golden/bootstrap.json');
  });

  it('comes in the order of make before break', () => {
    const kinds = renderXds(stagingPlan(), placement).map((file) =>
      PUBLISH_ORDER.indexOf(file.kind),
    );
    expect(kinds).toEqual(kinds.toSorted((one, other) => one - other));
  });

  it('keeps the version of every file whose content stays', () => {
    const versions = (plan: MeshPlan) =>
      Object.fromEntries(renderXds(plan, placement).map((file) => [file.name, file.version]));
    const before = productionPlan();
    const service = before.services[0]!;
    const weights = [
      { subset: 'baseline-1', weight: 75 },
      { subset: 'candidate-2', weight: 25 },
    ];
    const after = {
      ...before,
      services: [{ ...service, defaultRoute: { ...service.defaultRoute!, weights } }],
    };
    const [old, changed] = [versions(before), versions(after)];
    const different = Object.keys(old).filter((name) => old[name] !== changed[name]);
    expect(different).toEqual(['rds.json']);
  });

  it('removes the gate’s headers before routing in production, and only there', () => {
    const early = (plan: MeshPlan): string => {
      const lds = renderXds(plan, placement).find((file) => file.kind === 'lds')!.text;
      return /"mutations": (\[.*?\])/su.exec(lds)![1]!;
    };
    for (const header of [ARM_HEADER, PLANTED_HEADER]) {
      expect(early(productionPlan())).toContain(header);
      expect(early(stagingPlan())).not.toContain(header);
    }
    expect(early(stagingPlan())).toContain('x-envoy-retry-on');
  });

  it('names the node in staging’s answers only', () => {
    const routes = (plan: MeshPlan) =>
      renderXds(plan, placement).find((file) => file.kind === 'rds')!.text;
    expect(routes(productionPlan())).toContain(NODE_HEADER);
    expect(routes(stagingPlan())).not.toContain(NODE_HEADER);
  });

  it('never retries on a measurement route', () => {
    const routes = renderXds(stagingPlan(), placement).find((file) => file.kind === 'rds')!.text;
    expect(routes).not.toContain('retry');
  });

  it('refuses a plan that breaks a rule', () => {
    const plan = stagingPlan();
    const broken = {
      ...plan,
      services: [{ ...plan.services[0]!, subsets: [subset('baseline-1')] }],
    };
    expect(() => renderXds(broken, placement)).toThrow(InvalidPlanError);
    expect(() => renderStatic(broken, placement)).toThrow(InvalidPlanError);
  });

  it('has latency bounds that rise', () => {
    const sorted = [...new Set(LATENCY_BUCKETS_MS)].toSorted((one, other) => one - other);
    expect(LATENCY_BUCKETS_MS).toEqual(sorted);
  });
});
