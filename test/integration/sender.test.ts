import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChildSender } from '../../gate-service/src/load/child-sender.ts';
import { nearestRank } from '../../gate-service/src/load/nearest-rank.ts';
import { readSampleFile } from '../../gate-service/src/load/sample-file.ts';
import type { Measurement, Sample } from '../../gate-service/src/load/sample.ts';
import type { MeasurementPlan, SenderResult } from '../../gate-service/src/load/sender.ts';
import { loadWorkload } from '../../gate-service/src/load/workload-file.ts';
import {
  answerAfter,
  Listener,
  planFor,
  startTarget,
  until,
  type Behaviour,
  type Target,
} from './sender-fixture.ts';

let folder: string;
const targets: Target[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sender-'));
});
afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function target(behave: Behaviour): Promise<Target> {
  const started = await startTarget(behave);
  targets.push(started);
  return started;
}

interface Measured {
  readonly result: SenderResult;
  readonly measurement: Measurement;
  readonly listener: Listener;
}

let files = 0;
async function measure(plan: MeasurementPlan, listener = new Listener()): Promise<Measured> {
  const file = join(folder, `${(files += 1)}.csv.gz`);
  const result = await new ChildSender().measure(
    plan,
    file,
    listener,
    new AbortController().signal,
  );
  return { result, listener, measurement: await readSampleFile(file) };
}

const of = (samples: readonly Sample[], arm: string): Sample[] =>
  samples.filter((sample) => sample.arm === arm);
const latencies = (samples: readonly Sample[]): number[] => samples.map((s) => s.latencyUs / 1000);

describe('what is sent', () => {
  it('goes to both arms in pairs of the same payload, in random order, by number', async () => {
    const server = await target((_seen, response) => {
      answerAfter(response, 1);
    });
    const { measurement, result } = await measure(planFor(server.port));
    const { samples } = measurement;
    expect(samples.length).toBe(server.seen.length);
    expect(result).toMatchObject({ ended: 'planned' });
    expect(result.counters).toMatchObject({
      sent: samples.length,
      received: samples.length,
      inFlight: 0,
    });
    const payloads = new Map<string, string[]>();
    for (const { method, url, body, arm, host } of server.seen) {
      expect(host).toBe('checkout.test');
      const key = `${method} ${url} ${body}`;
      payloads.set(key, [...(payloads.get(key) ?? []), arm]);
    }
    // 150 pairs are expected; the standard deviation of their number is 9.
    expect(payloads.size).toBeGreaterThan(100);
    for (const arms of payloads.values()) {
      expect([...arms].sort()).toEqual(['baseline', 'candidate']);
    }
    const firsts = [...payloads.values()].filter(([first]) => first === 'baseline').length;
    expect(firsts / payloads.size).toBeGreaterThan(0.3);
    expect(firsts / payloads.size).toBeLessThan(0.7);
    for (const window of [0, 1, 2]) {
      const here = samples.filter((sample) => sample.window === window);
      expect(of(here, 'baseline')).toHaveLength(of(here, 'candidate').length);
      expect(here.length).toBeGreaterThan(0);
    }
    const share = samples.filter(({ kind }) => kind === 'read').length / samples.length;
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(0.83);
    expect(of(samples, 'candidate').every((s) => s.launch === 'node-of-candidate')).toBe(true);
    expect(samples.every(({ status }) => status === 'ok')).toBe(true);
  });

  it('is the same for the same seed, and other for another', async () => {
    const sent = async (seed: number): Promise<string[]> => {
      const server = await target((_seen, response) => response.end());
      const { measurement } = await measure(planFor(server.port, { windows: 1, seed }));
      return measurement.samples
        .map(({ arm, kind, intendedUs }) => `${arm} ${kind} ${intendedUs}`)
        .sort();
    };
    const [first, again, other] = [await sent(1), await sent(1), await sent(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('uses kept connections, or fresh ones by share', async () => {
    const kept = await target((_seen, response) => response.end());
    // With so few places a pause, after which many requests are due at once, opens no more of them.
    const limits = { connections: 8, requestTimeoutMs: 3000, maxSeconds: 60 };
    await measure(planFor(kept.port, { windows: 1, limits }));
    expect(kept.seen.length).toBeGreaterThan(32);
    expect(kept.connections()).toBeLessThanOrEqual(8);
    const fresh = await target((_seen, response) => response.end());
    await measure(planFor(fresh.port, { windows: 1, freshConnections: 1 }));
    expect(fresh.connections()).toBe(fresh.seen.length);
    const numbers = fresh.seen.map(({ connection }) => connection);
    expect(new Set(numbers).size).toBe(fresh.seen.length);
  });

  it('never has more requests under way than connections are allowed, and says who waited', async () => {
    let underWay = 0;
    let most = 0;
    const server = await target((_seen, response) => {
      most = Math.max(most, (underWay += 1));
      setTimeout(() => {
        underWay -= 1;
        response.end();
      }, 50);
    });
    const limits = { connections: 3, requestTimeoutMs: 20_000, maxSeconds: 60 };
    // Fresh ones count too.
    const { measurement } = await measure(
      planFor(server.port, { windows: 1, limits, freshConnections: 0.5 }),
    );
    expect(most).toBe(3);
    expect(measurement.fitness[0]?.waited).toBeGreaterThan(0);
    // The wait is the service's doing: it is in the latency.
    expect(nearestRank(latencies(measurement.samples), 0.9)).toBeGreaterThan(100);
  });
});

describe('what is measured', () => {
  it('shows a delay of one arm in that arm only', async () => {
    const server = await target(({ arm }, response) => {
      answerAfter(response, arm === 'candidate' ? 60 : 20);
    });
    const { measurement } = await measure(planFor(server.port));
    const median = (arm: string): number =>
      nearestRank(latencies(of(measurement.samples, arm)), 0.5);
    expect(median('baseline')).toBeGreaterThanOrEqual(20);
    expect(median('candidate') - median('baseline')).toBeGreaterThan(25);
    expect(median('candidate') - median('baseline')).toBeLessThan(55);
  });

  it('counts a stall from the intended time on, for every request that it met', async () => {
    // From the 100th request on the server answers nothing for a second, then everything at once.
    let stalled: (() => void)[] | undefined;
    const server = await target((_seen, response) => {
      if (server.seen.length === 100) {
        stalled = [];
        setTimeout(() => {
          const waiting = stalled ?? [];
          stalled = undefined;
          for (const answer of waiting) answer();
        }, 1000);
      }
      if (stalled === undefined) response.end();
      else stalled.push(() => response.end());
    });
    const { measurement } = await measure(planFor(server.port, { windows: 6 }));
    const all = latencies(measurement.samples);
    expect(nearestRank(all, 0.99)).toBeGreaterThan(800);
    // About 200 of the 600 requests were due during the stall; a closed loop would have seen but a few.
    const late = all.filter((ms) => ms > 100).length;
    expect(late).toBeGreaterThan(100);
    // They waited evenly between 0 and 1 s: open loop sends on time, whatever the answers do.
    const early = all.filter((ms) => ms > 100 && ms < 550).length;
    expect(early / late).toBeGreaterThan(0.25);
  });

  it('meets the reference arm with the planted delay at the end', async () => {
    const server = await target(({ planted }, response) => {
      answerAfter(response, planted ? 40 : 5);
    });
    const { measurement } = await measure(
      planFor(server.port, {
        windows: 2,
        planted: {
          name: 'planted',
          headers: { 'x-speed-gate-arm': 'baseline', 'x-speed-gate-planted': '1' },
          windows: 2,
          delayMs: 35,
        },
      }),
    );
    const { samples, plantedDelayUs, windowsPlanned } = measurement;
    expect({ plantedDelayUs, windowsPlanned }).toEqual({
      plantedDelayUs: 35_000,
      windowsPlanned: 2,
    });
    const block = samples.filter(({ window }) => window >= 2);
    const before = samples.filter(({ window }) => window < 2);
    expect(of(before, 'planted')).toHaveLength(0);
    expect(of(block, 'candidate')).toHaveLength(0);
    expect(of(block, 'planted').length).toBeGreaterThan(50);
    expect(of(block, 'planted')).toHaveLength(of(block, 'baseline').length);
    expect(server.seen.filter(({ planted }) => planted)).toHaveLength(of(block, 'planted').length);
    const median = (arm: string): number => nearestRank(latencies(of(block, arm)), 0.5);
    expect(median('planted') - median('baseline')).toBeGreaterThan(20);
  });

  it('says what went wrong: status, body, broken connection, time-out', async () => {
    const server = await target(({ url }, response, request) => {
      if (url === '/broken') request.socket.resetAndDestroy();
      else if (url === '/failing') response.writeHead(503).end();
      else if (url === '/silent') return;
      else if (url === '/garbage') request.socket.end('this is not HTTP\r\n\r\n');
      else response.end(url === '/wrong' ? 'no stock' : 'in stock');
    });
    const failures = loadWorkload(`
rate: 1
requests:
  - { name: right, path: /right, expect: { bodyPattern: "^in stock$" } }
  - { name: wrong, path: /wrong, expect: { bodyPattern: "^in stock$" } }
  - { name: other, path: /other, expect: { status: 201 } }
  - { name: failing, path: /failing }
  - { name: broken, path: /broken }
  - { name: garbage, path: /garbage }
  - { name: silent, path: /silent }
`);
    const { measurement, result } = await measure(
      planFor(server.port, {
        windows: 2,
        workload: failures,
        limits: { connections: 300, requestTimeoutMs: 1500, maxSeconds: 60 },
      }),
    );
    const words = Object.fromEntries(
      [...Map.groupBy(measurement.samples, ({ kind }) => kind)].map(([kind, samples]) => [
        kind,
        [...new Set(samples.map(({ status }) => status))].join(' '),
      ]),
    );
    expect(words).toEqual({
      right: 'ok',
      wrong: 'body-check',
      other: 'body-check',
      failing: '503',
      broken: 'reset',
      garbage: 'protocol',
      silent: 'timeout',
    });
    expect(result.counters.sent).toBe(measurement.samples.length);
    const silent = measurement.samples.filter(({ kind }) => kind === 'silent');
    expect(Math.min(...latencies(silent))).toBeGreaterThanOrEqual(1500);
    expect(silent[0]?.launch).toBe('-');
  });
});

describe('warm-up', () => {
  it('lasts until the paired difference no longer trends, in negative windows', async () => {
    const server = await target((_seen, response) => {
      answerAfter(response, 5);
    });
    const { measurement, listener } = await measure(
      planFor(server.port, {
        windows: 1,
        warmup: { minSeconds: 1, maxSeconds: 15, minRequests: 40 },
      }),
    );
    expect(measurement.steady).toBe(true);
    const warmUp = listener.reports.filter(({ window }) => window < 0);
    expect(warmUp.length).toBeGreaterThanOrEqual(5);
    const requests = warmUp.flatMap(({ samples }) => samples);
    expect(of(requests, 'baseline').length).toBeGreaterThanOrEqual(40);
    const numbers = listener.reports.map(({ window }) => window);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('ends at its cap and says so when one arm gets slower and slower', async () => {
    let candidates = 0;
    const server = await target(({ arm }, response) => {
      answerAfter(response, arm === 'candidate' ? 5 + (candidates += 1) : 5);
    });
    const { measurement, result } = await measure(
      planFor(server.port, {
        windows: 1,
        warmup: { minSeconds: 1, maxSeconds: 2, minRequests: 10 },
      }),
    );
    expect(measurement.steady).toBe(false);
    expect(result.steady).toBe(false);
    expect(new Set(measurement.samples.map(({ window }) => window)).has(0)).toBe(true);
  });
});

describe('fitness', () => {
  it('tells of a sender that cannot keep up, with both arms on time otherwise', async () => {
    // A body check that takes the sender's only thread for about 10 ms at each answer; 5 ms are there.
    const slow = loadWorkload(`
rate: 1
requests:
  - { name: a, path: /a, expect: { bodyPattern: " +$" } }
`);
    const server = await target((_seen, response) => response.end(`${' '.repeat(900_000)}!`));
    const { measurement } = await measure(planFor(server.port, { windows: 2, workload: slow }));
    const worst = Math.max(...measurement.fitness.map(({ latenessP99Us }) => latenessP99Us));
    // The judge's limit is 20 ms.
    expect(worst).toBeGreaterThan(20_000);
  });

  it('reports every window once, and its sent and received agree with the samples', async () => {
    const server = await target((_seen, response) => {
      answerAfter(response, 30);
    });
    const { measurement, listener } = await measure(
      planFor(server.port, { ownPids: [process.pid] }),
    );
    expect(measurement.fitness.map(({ window }) => window)).toEqual([0, 1, 2]);
    for (const { window, samples, fitness } of listener.reports) {
      expect(samples).toEqual(measurement.samples.filter((sample) => sample.window === window));
      expect(fitness.sent).toBe(samples.length);
      expect(fitness.received).toBe(samples.length);
      expect(fitness.runQueueShare).toBeGreaterThanOrEqual(0);
      expect(fitness.runQueueShare).toBeLessThanOrEqual(1);
      expect(fitness.foreignCores).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('the end', () => {
  const planted = {
    name: 'planted' as const,
    headers: { 'x-speed-gate-arm': 'baseline', 'x-speed-gate-planted': '1' },
    windows: 1,
    delayMs: 5,
  };

  it('comes early when enough is known, after the planted block', async () => {
    const server = await target((_seen, response) => response.end());
    const listener = new Listener((reports) => reports.length >= 2);
    const { result, measurement } = await measure(
      planFor(server.port, { windows: 200, planted }),
      listener,
    );
    expect(result.ended).toBe('stopped');
    const windows = [...new Set(measurement.samples.map(({ window }) => window))].sort(
      (a, b) => a - b,
    );
    expect(windows.length).toBeLessThan(20);
    expect(windows.at(-1)).toBe(200);
    expect(measurement.windowsPlanned).toBe(200);
    expect(of(measurement.samples, 'planted').every(({ window }) => window === 200)).toBe(true);
  });

  it('comes in order when it is aborted: nothing is sent any more, the file can be read', async () => {
    const server = await target((_seen, response) => {
      answerAfter(response, 20);
    });
    const file = join(folder, 'aborted.csv.gz');
    const controller = new AbortController();
    const listener = new Listener();
    const reason = new Error('cancelled by a person');
    const measuring = new ChildSender().measure(
      planFor(server.port, { windows: 200 }),
      file,
      listener,
      controller.signal,
    );
    await until(() => listener.reports.length > 0, 'a window is reported');
    controller.abort(reason);
    await expect(measuring).rejects.toBe(reason);
    const measurement = await readSampleFile(file);
    expect(measurement.ended).toBe('terminated');
    expect(measurement.counters?.inFlight).toBe(0);
    expect(measurement.counters?.sent).toBe(measurement.samples.length);
    expect(server.seen.length).toBe(measurement.samples.length);
  });

  it('comes at the cap on time', async () => {
    const server = await target((_seen, response) => response.end());
    const limits = { connections: 64, requestTimeoutMs: 1000, maxSeconds: 1 };
    const { result } = await measure(planFor(server.port, { windows: 200, limits }));
    expect(result.ended).toBe('max-seconds');
  });

  it('is an error when nobody listens', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(measure(planFor(port, { windows: 200 }))).rejects.toThrow(
      /refused all of \d+ connections: nothing listens there/,
    );
  });

  it('is an error when nobody ever answers', async () => {
    const server = await target(() => undefined);
    const limits = { connections: 300, requestTimeoutMs: 300, maxSeconds: 60 };
    await expect(measure(planFor(server.port, { windows: 1, limits }))).rejects.toThrow(
      /answered none of \d+ requests \(timeout \d+\)/,
    );
  });

  it('is an error when the plan is not usable, and says why', async () => {
    await expect(measure(planFor(1, { pairsPerSecond: 1e7 }))).rejects.toThrow(/pairsPerSecond/);
  });
});
