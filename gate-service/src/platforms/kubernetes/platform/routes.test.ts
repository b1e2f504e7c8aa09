import { expect, it } from 'vitest';
import { virtualService } from '../../../mesh/istio/virtual-service.ts';
import type { Environment } from '../../../mesh/plan.ts';
import { requireValidPlan } from '../../../mesh/rules.ts';
import { STOCK_VALUES } from '../../../stack/stock.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { planOf, type MeshArm } from './mesh-plan.ts';
import { routesOf, withoutArm, type Routes } from './routes.ts';

const arm = (id: string, more: Partial<MeshArm> = {}): MeshArm => ({
  id,
  healthPath: '/health',
  hosts: ['checkout.example'],
  meshValues: STOCK_VALUES,
  endpoints: [{ node: `${id}-1`, address: '10.0.0.1', port: 8080, draining: false }],
  ...more,
});

function plan(environment: Environment, routes: Routes, arms: readonly MeshArm[]) {
  return planOf({ environment, service: 'checkout', hosts: undefined, arms, routes });
}

/** The VirtualService that the gate would write, as the API server would have it. */
function written(environment: Environment, routes: Routes, arms: readonly MeshArm[]) {
  const made = plan(environment, routes, arms);
  requireValidPlan(made);
  const one = virtualService(made.services[0]!, environment, 'shop', ['edge/gateway']);
  return JSON.parse(JSON.stringify(one)) as KubernetesObject;
}

const measured: Routes = {
  arms: [
    { headerValue: 'baseline', armId: 'one', plantedDelayMs: 40 },
    { headerValue: 'candidate', armId: 'two' },
  ],
  weights: [],
};
const weighted: Routes = {
  arms: [],
  weights: [
    { armId: 'one', weight: 95 },
    { armId: 'two', weight: 5 },
  ],
};

it('reads back what was written: another gate goes on where this one ended', () => {
  const arms = [arm('one'), arm('two')];
  expect(routesOf(written('staging', measured, arms))).toStrictEqual(measured);
  expect(routesOf(written('production', weighted, arms))).toStrictEqual(weighted);
  const all = { arms: [], weights: [{ armId: 'one', weight: 100 }] };
  expect(routesOf(written('production', all, arms))).toStrictEqual(all);
});

it('reads no routes where none are, and none of other people', () => {
  const none = { arms: [], weights: [] };
  expect(routesOf(undefined)).toStrictEqual(none);
  expect(routesOf(written('production', none, [arm('one')]))).toStrictEqual(none);
  const foreign = { name: 'site', route: [{ destination: { host: 'site', subset: 'x' } }] };
  const object = { metadata: { name: 'site' }, spec: { http: [foreign] } };
  expect(routesOf(object as unknown as KubernetesObject)).toStrictEqual(none);
});

it('takes a lone destination without a weight for all of it, as Istio does', () => {
  const destination = { host: 'checkout', subset: 'one' };
  const http = [{ name: 'speed-gate-default', route: [{ destination }] }];
  const object = { metadata: { name: 'speed-gate-checkout' }, spec: { http } };
  expect(routesOf(object as unknown as KubernetesObject).weights).toStrictEqual([
    { armId: 'one', weight: 100 },
  ]);
});

it('takes a route of the gate that was changed into something else for no route at all', () => {
  const object = written('production', weighted, [arm('one'), arm('two')]);
  const { http } = object.spec as { http: { route: { destination: { subset?: string } }[] }[] };
  delete http[0]!.route[0]!.destination.subset;
  expect(() => routesOf(object)).toThrow(/subset/);
});

it('drops the routes to an arm, with its planted delay', () => {
  expect(withoutArm(measured, 'one').arms).toStrictEqual([
    { headerValue: 'candidate', armId: 'two' },
  ]);
  expect(withoutArm(weighted, 'two').weights).toStrictEqual([{ armId: 'one', weight: 95 }]);
});

it('gives the share of an arm that somebody has deleted to the heaviest that is there', () => {
  const made = plan('production', { arms: [], weights: [...weighted.weights] }, [arm('two')]);
  requireValidPlan(made);
  expect(made.services[0]?.defaultRoute?.weights).toStrictEqual([{ subset: 'two', weight: 100 }]);
});

it('has the deadlines of the arm with the most weight, and the hosts of the environment', () => {
  const slow = arm('two', { meshValues: { ...STOCK_VALUES, 'mesh.timeout': 20_000 } });
  const of = (routes: Routes) =>
    plan('production', routes, [arm('one'), slow]).services[0]?.defaultRoute?.timeoutMs;
  expect(of(weighted)).toBe(30_000);
  const turned = weighted.weights.map(({ armId, weight }) => ({ armId, weight: 100 - weight }));
  expect(of({ arms: [], weights: turned })).toBe(20_000);
  const { hosts } = planOf({
    environment: 'staging',
    service: 'checkout',
    hosts: ['staging.checkout.example'],
    arms: [arm('one')],
    routes: measured,
  }).services[0]!;
  expect(hosts).toStrictEqual(['staging.checkout.example']);
});
