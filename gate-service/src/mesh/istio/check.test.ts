import { describe, expect, it } from 'vitest';
import { productionPlan, stagingPlan } from '../plan-fixture.ts';
import { checkIstio, millisecondsOf } from './check.ts';
import { renderIstio } from './render.ts';
import type { IstioPlacement, IstioResource } from './resources.ts';

const placement: IstioPlacement = {
  namespace: 'shop',
  gateway: { kind: 'existing', names: ['edge/production'] },
  endpoints: { kind: 'pods', targetPort: 8080 },
};
const there = ['edge/production'];

/** The rendering with a piece of its JSON replaced. */
function changed(right: string | RegExp, wrong: string): IstioResource[] {
  const text = JSON.stringify(renderIstio(productionPlan(), placement));
  expect(text).toMatch(right);
  return JSON.parse(text.replace(right, wrong)) as IstioResource[];
}

describe('the check of what Istio would accept', () => {
  it('lets both renderings pass', () => {
    expect(checkIstio(renderIstio(productionPlan(), placement), there)).toEqual([]);
    expect(checkIstio(renderIstio(stagingPlan(), placement), there)).toEqual([]);
    const own = { kind: 'own', selector: { istio: 'gw' }, listen: { port: 8000 } } as const;
    const resources = renderIstio(stagingPlan(), { ...placement, gateway: own });
    expect(checkIstio(resources, [])).toEqual([]);
  });

  it.each<[string, string | RegExp, string]>([
    ['weights-sum-to-100', '"weight":95', '"weight":65'],
    ['weights-sum-to-100', '"weight":95', '"weight":105'],
    ['weights-sum-to-100', /"weight":95(.*)"weight":5/, '"weight":105$1"weight":-5'],
    ['weights-sum-to-100', /"weight":95(.*)"weight":5/, '"weight":94.5$1"weight":5.5'],
    ['routed-subset-exists', '"subsets":[{"name":"baseline-1"', '"subsets":[{"name":"gone"'],
    ['routed-subset-exists', '"spec":{"host":"checkout', '"spec":{"host":"other'],
    ['gateway-exists', '"gateways":["edge/production"]', '"gateways":["edge/gone"]'],
    ['gateway-exists', '"gateways":["edge/production"]', '"gateways":["production"]'],
    ['gateway-exists', '"gateways":["edge/production"]', '"gateways":[]'],
    ['per-try-below-timeout', '"perTryTimeout":"4500ms"', '"perTryTimeout":"10s"'],
    ['per-try-below-timeout', '"perTryTimeout":"4500ms"', '"perTryTimeout":"1m"'],
    ['per-try-below-timeout', '"perTryTimeout":"4500ms"', '"perTryTimeout":"soon"'],
    ['route-timeout', '"timeout":"10s",', ''],
    ['route-timeout', '"timeout":"10s"', '"timeout":"0s"'],
    ['retries-said', '"retries"', '"retriez"'],
    ['route-reachable', '"http":[', '"http":[{"name":"all","route":[]},'],
  ])('%s', (rule, right, wrong) => {
    const found = checkIstio(changed(right, wrong), there);
    expect(found.map((one) => one.rule)).toContain(rule);
    expect(found[0]?.message).toContain('VirtualService shop/speed-gate-checkout');
  });

  it('leaves foreign routes to their owners', () => {
    const foreign =
      '"http":[{"name":"api","match":[{"uri":{"prefix":"/api"}}],"route":[{"destination":{"host":"x"},"weight":7}]},';
    expect(checkIstio(changed('"http":[', foreign), there)).toEqual([]);
  });

  it('reads Go’s durations', () => {
    expect(['1h1m1s1ms', '0.5s', '250ms', '2m'].map(millisecondsOf)).toEqual([
      3_661_001, 500, 250, 120_000,
    ]);
    expect(['', '5', '-1s', 's', '1s x', 5, undefined].map(millisecondsOf)).toEqual(
      Array.from({ length: 7 }, () => undefined),
    );
  });
});
