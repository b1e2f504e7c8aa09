import { describe, expect, it } from 'vitest';
import { productionPlan } from '../plan-fixture.ts';
import { AdoptionError, routeToTakeOver, withFormerRoute, withOwnRoutes } from './adoption.ts';
import { ownRoutes } from './virtual-service.ts';

const former = {
  name: 'shop',
  rewrite: { uri: '/shop' },
  timeout: '3s',
  headers: { request: { set: { 'x-tenant': 'a' }, remove: ['x-debug'] } },
  route: [{ destination: { host: 'shop.svc' } }],
};
const api = { name: 'api', match: [{ uri: { prefix: '/api' } }], route: [{ destination: {} }] };
const last = { name: 'last', match: [{ uri: { exact: '/x' } }], redirect: { uri: '/y' } };
const own = ownRoutes(productionPlan().services[0]!, 'production', 'shop');

describe('the gate’s routes in a VirtualService of somebody else', () => {
  it('stand where the adopted route stood, among foreign ones', () => {
    const merged = withOwnRoutes([api, former, last], own, former);
    expect(merged.map((one) => one.name)).toEqual(['api', 'speed-gate-default', 'last']);
    expect([merged[0], merged[2]]).toEqual([api, last]);
  });

  it('keep what the gate has no word for', () => {
    const [mine] = withOwnRoutes([former], own, former);
    expect(mine).toMatchObject({
      name: 'speed-gate-default',
      rewrite: { uri: '/shop' },
      timeout: '10s',
      headers: {
        request: {
          set: { 'x-tenant': 'a' },
          remove: ['x-speed-gate-arm', 'x-speed-gate-planted', 'x-debug'],
        },
        response: { remove: ['x-speed-gate-node'] },
      },
    });
  });

  it('replace themselves, also after somebody has put routes around them', () => {
    const once = withOwnRoutes([api, former], own, former);
    expect(withOwnRoutes(once, own, former)).toEqual(once);
    expect(withOwnRoutes([last, ...once], own, former).map((one) => one.name)).toEqual([
      'last',
      'api',
      'speed-gate-default',
    ]);
  });

  it('give the place back', () => {
    const merged = withOwnRoutes([api, former, last], own, former);
    expect(withFormerRoute(merged, former)).toEqual([api, former, last]);
    expect(withFormerRoute([api, former], former)).toEqual([api, former]);
  });

  it.each<[string, readonly object[], string | undefined]>([
    ['must name one route', [api, former], undefined],
    ['must name one route', [api, former], 'gone'],
    ['must name one route', [], undefined],
    ['chosen by a match', [api, former], 'api'],
    ['forwards to no destination', [{ name: 'r', redirect: {} }], 'r'],
    ['forwards to no destination', [{ name: 'r' }], undefined],
  ])('are refused: %s', (message, routes, name) => {
    const attempt = () => routeToTakeOver(routes as Record<string, unknown>[], name);
    expect(attempt).toThrow(AdoptionError);
    expect(attempt).toThrow(message);
  });

  it('are refused where their place is gone', () => {
    expect(() => withOwnRoutes([api], own, former)).toThrow(AdoptionError);
  });

  it('take the only route without being told which', () => {
    expect(routeToTakeOver([former], undefined)).toBe(former);
    expect(routeToTakeOver([api, former], 'shop')).toBe(former);
  });
});
