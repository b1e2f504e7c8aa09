/** Istio's dialect through a real Prometheus: what two gateways counted, against what the port says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createClusterTelemetry } from '../../gate-service/src/telemetry/cluster-telemetry.ts';
import type { ArmTraffic } from '../../gate-service/src/telemetry/telemetry.ts';
import { IstioProxy, type Counted } from './telemetry-istio-proxy.ts';
import { TestPrometheus } from './telemetry-prometheus.ts';

const HOST = 'checkout.shop.speed-gate.internal';
const ARMS = ['current-1', 'canary-2'] as const;
const [CURRENT, CANARY] = ARMS;
const labels = { environment: 'production' };

let proxies: [IstioProxy, IstioProxy];
let prometheus: TestPrometheus;

beforeEach(async () => {
  proxies = [await IstioProxy.start(), await IstioProxy.start()];
  // Long before any span that is asked for.
  count(proxies[0], { revision: CURRENT, times: 1000 });
  prometheus = await TestPrometheus.start(proxies.map(({ address }) => ({ address, labels })));
  for (const { address } of proxies) await prometheus.untilScraped(`up{instance="${address}"}`, 1);
});

afterEach(async () => {
  await prometheus.stop();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
});

function count(proxy: IstioProxy, counted: Partial<Counted>, reporter?: string): void {
  proxy.count({ host: HOST, code: 200, ms: 7, times: 1, ...counted }, reporter);
}

const ask = (fromMs: number, toMs = Date.now(), dialect: 'istio' | 'envoy' = 'istio') =>
  createClusterTelemetry({ dialect, url: prometheus.url, hosts: { checkout: HOST } }).armTraffic(
    'checkout',
    ARMS,
    { fromMs, toMs },
  );

type Traffic = ReadonlyMap<string, ArmTraffic | undefined>;

/** The traffic since an instant, once it is as expected by `look`, and the instant until which it was asked for. */
const since = (fromMs: number, look: (traffic: Traffic) => void) =>
  vi.waitFor(
    async () => {
      const traffic = await ask(fromMs);
      look(traffic);
      return traffic;
    },
    { timeout: 30_000, interval: 200 },
  );

const counts = (requests: number, failures: number) => ({ requests, failures });

/** An instant whose scrape in force has nothing of what is counted after it. */
async function beginning(): Promise<number> {
  const fromMs = Date.now();
  await sleep(2);
  return fromMs;
}

test('an arm without a request had none, and both are exact over both gateways', async () => {
  const fromMs = await beginning();
  count(proxies[0], { revision: CURRENT, times: 40 });
  count(proxies[1], { revision: CURRENT, times: 5, code: 500 });
  const idle = await since(fromMs, (traffic) => {
    expect(traffic.get(CURRENT)).toMatchObject(counts(45, 5));
  });
  expect(idle.get(CANARY)).toEqual({ armId: CANARY, ...counts(0, 0), latency: { bounds: [] } });

  // What pods report themselves is the same requests once more; another service's are its own.
  count(proxies[0], { revision: CURRENT, times: 45 }, 'destination');
  count(proxies[0], { revision: CURRENT, times: 300, host: 'other.shop.speed-gate.internal' });
  count(proxies[1], { revision: CANARY, times: 10, ms: 80 });
  const both = await since(fromMs, (traffic) => {
    expect(traffic.get(CANARY)).toMatchObject(counts(10, 0));
  });
  expect(both.get(CURRENT)).toMatchObject(counts(45, 5));
  const below = (leMs: number) =>
    both.get(CANARY)!.latency.bounds.find((bound) => bound.leMs === leMs)!.count;
  expect([below(50), below(100), below(Infinity)]).toEqual([0, 10, 10]);
});

test('failures: 5xx, answers broken off, and pods that could not be reached, which count for each arm', async () => {
  const fromMs = await beginning();
  count(proxies[0], { revision: CANARY, times: 20 });
  count(proxies[0], { revision: CANARY, times: 4, code: 404 });
  count(proxies[0], { revision: CANARY, times: 3, code: 503, flags: 'UF,URX' });
  count(proxies[0], { revision: CANARY, times: 2, code: 200, flags: 'UC' });
  // The client went away: no answer, and nobody's failure by itself.
  count(proxies[0], { revision: CANARY, times: 6, code: 0, flags: 'DC' });
  count(proxies[1], { times: 7, code: 503, flags: 'UH' });
  const traffic = await since(fromMs, (seen) => {
    expect(seen.get(CANARY)).toMatchObject(counts(20 + 4 + 3 + 2 + 6 + 7, 3 + 2 + 7));
  });
  expect(traffic.get(CURRENT)).toMatchObject(counts(7, 7));
});

test('a gateway that starts anew, one that goes and one that comes lose nothing that was scraped', async () => {
  const fromMs = await beginning();
  const [first, second] = proxies;
  count(second, { revision: CURRENT, times: 30 });
  await since(fromMs, (traffic) => {
    expect(traffic.get(CURRENT)).toMatchObject(counts(30, 0));
  });
  first.restart();
  count(first, { revision: CURRENT, times: 8 });
  await since(fromMs, (traffic) => {
    expect(traffic.get(CURRENT)).toMatchObject(counts(38, 0));
  });
  const third = await IstioProxy.start();
  try {
    // It has counted before anybody looked at it: that was perhaps before the span.
    count(third, { revision: CURRENT, times: 500 });
    const live = [first, third].map(({ address }) => ({ address, labels }));
    await prometheus.scrape(live);
    await prometheus.untilScraped(`up{instance="${third.address}"}`, 1);
    count(third, { revision: CURRENT, times: 12 });
    await since(fromMs, (traffic) => {
      expect(traffic.get(CURRENT)).toMatchObject(counts(50, 0));
    });
  } finally {
    await third.stop();
  }
});

describe('nothing is known', () => {
  test('when a gateway does not answer, none is scraped, or Prometheus is away', async () => {
    const fromMs = await beginning();
    await since(fromMs, (traffic) => {
      expect(traffic.get(CURRENT)).toBeDefined();
    });
    await expect(ask(fromMs - 3_600_000)).rejects.toThrow('throughout the span');
    await proxies[1].stop();
    proxies[1] = await IstioProxy.start();
    await vi.waitFor(
      () => expect(ask(fromMs)).rejects.toThrow('could not scrape envoy 127.0.0.1'),
      {
        timeout: 20_000,
        interval: 200,
      },
    );
    await prometheus.scrape([]);
    await vi.waitFor(
      () => expect(ask(Date.now() - 500)).rejects.toThrow("scrapes no proxy of production's"),
      { timeout: 30_000, interval: 200 },
    );
    await prometheus.stop();
    await expect(ask(fromMs)).rejects.toThrow('fetch failed');
  });

  test('when pods bear no name of an arm, or the gateways speak another dialect', async () => {
    const fromMs = await beginning();
    await since(fromMs, (traffic) => {
      expect(traffic.get(CURRENT)).toBeDefined();
    });
    expect((await ask(fromMs, Date.now(), 'envoy')).get(CURRENT)).toBeUndefined();
    count(proxies[0], { revision: 'latest', times: 3 });
    await vi.waitFor(() => expect(ask(fromMs)).rejects.toThrow('3 answers came from pods'), {
      timeout: 20_000,
      interval: 200,
    });
  });
});
