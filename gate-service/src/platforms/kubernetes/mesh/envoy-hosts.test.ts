import { expect, it } from 'vitest';
import { hostsOf } from './envoy-hosts.ts';

const host = (address: string, health: object, requests?: string) => ({
  address: { socket_address: { address, port_value: 8080 } },
  stats: [
    { name: 'cx_total', value: '9' },
    ...(requests ? [{ name: 'rq_total', value: requests }] : []),
  ],
  health_status: health,
});

it('tells health and requests of each host; what is ejected or has failed is not healthy', () => {
  const hosts = hostsOf({
    cluster_statuses: [
      {
        name: 'outbound|80|one|checkout.shop.speed-gate.internal',
        host_statuses: [
          host('10.0.0.1', { eds_health_status: 'HEALTHY' }, '12'),
          host('10.0.0.2', { eds_health_status: 'HEALTHY', failed_outlier_check: true }, '3'),
          host('10.0.0.3', { eds_health_status: 'DRAINING' }),
        ],
      },
      { name: 'empty' },
    ],
  });
  expect(
    hosts.map(({ address, healthy, requestsTotal }) => [address, healthy, requestsTotal]),
  ).toEqual([
    ['10.0.0.1:8080', true, 12],
    ['10.0.0.2:8080', false, 3],
    ['10.0.0.3:8080', false, 0],
  ]);
  expect(new Set(hosts.map(({ cluster }) => cluster)).size).toBe(1);
});

it('takes nothing else for an answer', () => {
  expect(() => hostsOf('not found')).toThrow();
});
