/** Production traffic by arm as Prometheus saw it, against what was really sent and answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Arm } from '../../gate-service/src/platforms/platform.ts';
import { hopLatency } from '../../gate-service/src/runs/hop-latency.ts';
import { createPrometheusTelemetry } from '../../gate-service/src/telemetry/prometheus.ts';
import type { ArmTraffic, Telemetry } from '../../gate-service/src/telemetry/telemetry.ts';
import {
  armRequest,
  createPlatform,
  get,
  soon,
  type TestPlatform,
} from './platform-local-fixture.ts';

let fixture: TestPlatform;
let arm: Arm;
let telemetry: Telemetry;

beforeAll(async () => {
  fixture = await createPlatform();
  await fixture.platform.start();
  arm = await fixture.platform.deploy(armRequest('production', 'current', '1.3', 1), soon());
  await fixture.platform.restore('checkout', arm.id, soon());
  telemetry = createPrometheusTelemetry({ url: fixture.platform.prometheusUrl() });
});

afterAll(async () => {
  await fixture.remove();
});

/** Traffic since an instant, once the proxy is known to have been scraped after `sentMs`. */
async function trafficSince(fromMs: number, enough: (traffic: ArmTraffic) => boolean) {
  return vi.waitFor(
    async () => {
      const span = { fromMs, toMs: Date.now() };
      const traffic = await telemetry.armTraffic('checkout', [arm.id, 'no-such-arm'], span);
      const own = traffic.get(arm.id);
      expect(own !== undefined && enough(own)).toBe(true);
      return { own: own!, traffic };
    },
    { timeout: 30_000, interval: 250 },
  );
}

const sendSearches = async (count: number): Promise<{ failed: number }> => {
  let failed = 0;
  for (let id = 0; id < count; id += 25) {
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, i) =>
        get(fixture.platform, 'production', { path: `/search?id=${id + i}` }),
      ),
    );
    failed += answers.filter(({ status }) => status >= 500).length;
  }
  return { failed };
};

test('requests, failures and latencies are exact, and unknown arms are unknown', async () => {
  // Prometheus takes some seconds from its start to its first scrape: before that nothing is known.
  await vi.waitFor(
    async () => {
      const span = { fromMs: Date.now() - 500, toMs: Date.now() };
      expect((await telemetry.armTraffic('checkout', [arm.id], span)).get(arm.id)).toBeDefined();
    },
    { timeout: 30_000, interval: 250 },
  );
  const fromMs = Date.now();
  // The scrape in force at the beginning must not contain what is sent after it.
  await sleep(1);
  const { failed } = await sendSearches(250);
  expect(failed).toBeGreaterThan(0);
  const last = (traffic: ArmTraffic): number => traffic.latency.bounds.at(-1)?.count ?? 0;
  const { own, traffic } = await trafficSince(fromMs, (one) => last(one) >= 250);
  expect(own).toMatchObject({ armId: arm.id, requests: 250, failures: failed });
  expect(traffic.get('no-such-arm')).toBeUndefined();
  const { bounds } = own.latency;
  expect(bounds.at(-1)).toEqual({ leMs: Infinity, count: 250 });
  const counts = bounds.map(({ count }) => count);
  expect(counts).toEqual(counts.toSorted((one, other) => one - other));
  // Lognormal waits around 40 ms: nothing is answered within 5 ms, and some within 45 ms.
  const below = (leMs: number): number => bounds.find((bound) => bound.leMs === leMs)!.count;
  expect(below(5)).toBeLessThan(250);
  expect(below(45)).toBeGreaterThan(0);
  expect(below(45)).toBeLessThan(250);
});

test('the nodes tell what httpd and Jetty have of the time of a request', async () => {
  const observed = async () =>
    (await fixture.platform.observe('checkout', 'production')).find((one) => one.arm.id === arm.id);
  const before = await observed();
  const latencies = await Promise.all(
    Array.from({ length: 50 }, async (_, id) => {
      const startedMs = performance.now();
      await get(fixture.platform, 'production', { path: `/search?id=${id}` });
      return performance.now() - startedMs;
    }),
  );
  const meanMs = latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length;
  const hops = hopLatency(meanMs, before, await observed());
  // The application waits some 40 ms; the unit of the counter is right.
  expect(hops!.jettyMs).toBeGreaterThan(20);
  expect(hops!.jettyMs).toBeLessThan(meanMs);
  expect(hops!.httpdMs).toBeGreaterThan(0);
  expect(hops!.proxyMs).toBeGreaterThan(0);
});

test('a span before the first scrape, and one after the last, are unknown', async () => {
  const ask = async (fromMs: number, toMs: number) =>
    (await telemetry.armTraffic('checkout', [arm.id], { fromMs, toMs })).get(arm.id);
  const now = Date.now();
  expect(await ask(now - 3_600_000, now)).toBeUndefined();
  expect(await ask(now, now)).toBeUndefined();
  // The watch of this process must not heal what is killed now.
  const status = await fixture.platform.status();
  await fixture.platform.close();
  process.kill(status.find(({ name }) => name === 'envoy-production')!.pid!, 'SIGKILL');
  const killed = Date.now();
  await vi.waitFor(
    async () => {
      expect(await ask(killed - 1000, Date.now())).toBeUndefined();
    },
    { timeout: 20_000, interval: 250 },
  );
  process.kill(status.find(({ name }) => name === 'prometheus')!.pid!, 'SIGKILL');
  await vi.waitFor(
    async () => {
      expect(await ask(killed - 5000, killed)).toBeUndefined();
    },
    { timeout: 30_000 },
  );
});
