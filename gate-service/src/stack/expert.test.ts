import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStackConfiguration } from './configuration.ts';
import { legalConfiguration, RESOURCES, stockWith, TUNED } from './configurations-fixture.ts';
import { adviceWords } from './advice.ts';
import { EXPERT_ROWS, expertAdvice, expertValues, isApplied } from './expert-table.ts';
import type { ExpertLoad } from './expert-table.ts';
import { expertConfiguration, expertPrior } from './expert.ts';
import { findHeadroom, placesOf } from './headroom.ts';
import type { NodeTelemetry } from './headroom.ts';
import { KNOB_NAMES } from './knobs.ts';
import type { StackValues } from './knobs.ts';
import { tunableSpace } from './tunable-space.ts';
import { NOT_TUNED, TUNING_KNOB_NAMES } from './tuning-knobs.ts';

const stock = stockWith({});
/** Measured on two cores: a wait of 100 ms at 512 connections, on stock. */
const crowded: NodeTelemetry = { ratePerSecond: 1490, p50Ms: 340, p99Ms: 1211, concurrency: 512 };
/** Measured: a mix at 64 connections, where tuning won nothing. */
const calm: NodeTelemetry = { ratePerSecond: 7960, p50Ms: 6, p99Ms: 32, concurrency: 64 };

const hasHeadroom = (...of: Parameters<typeof findHeadroom>): boolean => findHeadroom(...of).exists;

describe('headroom', () => {
  it('is there where requests wait for places, and not where tuning was measured to win nothing', () => {
    expect(hasHeadroom(crowded, stock)).toBe(true);
    expect(hasHeadroom(calm, stock)).toBe(false);
    expect(
      hasHeadroom({ ratePerSecond: 26_100, p50Ms: 2.2, p99Ms: 6.5, concurrency: 64 }, stock),
    ).toBe(false);
    expect(
      hasHeadroom({ ratePerSecond: 6660, p50Ms: 36, p99Ms: 88, concurrency: 256 }, stock),
    ).toBe(true);
    expect(hasHeadroom(crowded, stockWith(TUNED))).toBe(false);
  });

  it('counts the narrowest place', () => {
    expect(placesOf(stock)).toBe(150);
    expect(placesOf(stockWith({ 'proxy.max': 5 }))).toBe(30);
    expect(hasHeadroom({ ...calm, concurrency: 30 }, stockWith({ 'proxy.max': 5 }))).toBe(true);
  });

  it('is seen by rate and median alone where busy workers hide the queue', () => {
    expect(
      hasHeadroom({ ratePerSecond: 1498, p50Ms: 3000, p99Ms: 6400, concurrency: 0 }, stock),
    ).toBe(true);
  });

  it('is seen in Jetty’s threads, unless they are virtual', () => {
    const seen = { busyWorkers: 60, jettyThreadsBusy: 190, jettyQueue: 12, cpuShare: 0.98 };
    expect(hasHeadroom({ ...calm, seen }, stock)).toBe(true);
    expect(hasHeadroom({ ...calm, seen }, stockWith({ 'jetty.virtualThreads': true }))).toBe(false);
  });

  it('says what was looked at, and what was not told', () => {
    const seen = { busyWorkers: 60, jettyThreadsBusy: 31, jettyQueue: 2, cpuShare: 0.98 };
    expect(findHeadroom({ ...calm, seen }, stock).lookedAt).toBe(
      'Looked at on each node: 7960.0 requests/s with p50 6 ms and p99 32 ms; 47.8 in flight by rate and median, at most 64 seen; 60 of 150 workers of httpd busy; 31 of 200 threads of Jetty, 2 requests in its queue; 98 % of the CPU.',
    );
    const { lookedAt } = findHeadroom({ ...calm, p50Ms: Number.NaN }, stock);
    expect(lookedAt).toContain('no status of httpd and Jetty; no reading of the CPU');
    expect(lookedAt).not.toContain('NaN');
  });

  it('is not claimed from telemetry that is missing, odd or idle', () => {
    for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      for (const field of ['ratePerSecond', 'p50Ms', 'p99Ms', 'concurrency'] as const) {
        expect(findHeadroom({ ...crowded, [field]: bad }, stock).exists).toBe(false);
      }
    }
    expect(hasHeadroom({ ...crowded, ratePerSecond: 0 }, stock)).toBe(false);
    const closed = stockWith({ 'httpd.keepAlive': false });
    expect(hasHeadroom(calm, closed)).toBe(true);
    expect(hasHeadroom({ ...calm, ratePerSecond: 0 }, closed)).toBe(false);
  });
});

describe('the expert policy', () => {
  it('comes to the tuned configuration under high concurrency', () => {
    const { configuration, confidence } = expertConfiguration(crowded, RESOURCES, stock);
    expect(configuration.values).toMatchObject(TUNED);
    expect(confidence).toBeGreaterThan(0.5);
    // Once there, it has nothing more to propose.
    expect(expertConfiguration(crowded, RESOURCES, configuration)).toMatchObject({ confidence: 0 });
  });

  it('is not sure of itself where nothing is to be won', () => {
    expect(expertConfiguration(calm, RESOURCES, stock).confidence).toBeLessThan(0.2);
  });

  it('stays within what a small node carries', () => {
    const small = { cores: 2, memoryMiB: 800, fileDescriptors: 1024 };
    const { configuration } = expertConfiguration(crowded, small, stock);
    const workers = configuration.values['httpd.maxRequestWorkers'];
    expect(workers).toBeGreaterThan(150);
    expect(workers).toBeLessThan(800);
    expect(createStackConfiguration(configuration.values, small).ok).toBe(true);
  });

  it('keeps the incumbent where there is no room at all, or no telemetry', () => {
    const tight = { cores: 2, memoryMiB: 632, fileDescriptors: 600 };
    expect(expertConfiguration(crowded, tight, stock)).toMatchObject({
      configuration: stock,
      confidence: 0,
    });
    const none = { ratePerSecond: Number.NaN, p50Ms: 1, p99Ms: 1, concurrency: 1 };
    expect(expertConfiguration(none, RESOURCES, stock).configuration).toBe(stock);
  });

  it('gives a legal configuration for any load and incumbent, and never narrows a pool', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e4, noNaN: true }));
    const telemetry = fc.record({
      ratePerSecond: number,
      p50Ms: number,
      p99Ms: number,
      concurrency: number,
    });
    fc.assert(
      fc.property(telemetry, legalConfiguration, (load, incumbent) => {
        const { configuration, confidence } = expertConfiguration(load, RESOURCES, incumbent);
        expect(createStackConfiguration(configuration.values, RESOURCES).ok).toBe(true);
        expect(confidence === 0).toBe(configuration.hash === incumbent.hash);
        for (const name of ['httpd.maxRequestWorkers', 'jetty.maxThreads'] as const) {
          expect(configuration.values[name]).toBeGreaterThanOrEqual(incumbent.values[name]);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** Measured on two cores with stock: workload, connections, and whether other sizes won anything. */
const MEASURED: readonly (readonly [string, NodeTelemetry, boolean])[] = [
  ['fast@64', { ratePerSecond: 26_100, p50Ms: 2.3, p99Ms: 6.5, concurrency: 64 }, false],
  ['wait20@256', { ratePerSecond: 6660, p50Ms: 36, p99Ms: 88, concurrency: 256 }, true],
  ['wait100@512', { ratePerSecond: 1490, p50Ms: 340, p99Ms: 1211, concurrency: 512 }, true],
  ['mix@64', { ratePerSecond: 7960, p50Ms: 6, p99Ms: 32, concurrency: 64 }, false],
  ['mix@256', { ratePerSecond: 8400, p50Ms: 28, p99Ms: 78, concurrency: 256 }, true],
  ['payload@64', { ratePerSecond: 11_400, p50Ms: 5, p99Ms: 14, concurrency: 64 }, false],
  // Open loop beyond what 150 places carry, and one that they carry.
  ['wait100 at 2500/s', { ratePerSecond: 1498, p50Ms: 3000, p99Ms: 6400, concurrency: 150 }, true],
  ['mix at 2000/s', { ratePerSecond: 2000, p50Ms: 3, p99Ms: 32, concurrency: 20 }, false],
];

describe('the expert’s prior', () => {
  const large = { cores: 2, memoryMiB: 24_576, fileDescriptors: 65_536, javaVersion: 17 };

  it.each(MEASURED)('%s: is near what was measured to win, or stays', (_, load, wins) => {
    const space = tunableSpace(stock, large, { telemetry: load });
    const prior = expertPrior(load, large, stock, space);
    expect(space.check(prior.values).ok).toBe(true);
    for (const name of TUNING_KNOB_NAMES) {
      expect(prior.confidence?.[name]).toBeGreaterThan(0);
      expect(prior.confidence?.[name]).toBeLessThanOrEqual(1);
    }
    if (!wins) {
      expect(prior.values).toEqual(space.start);
      expect(prior.reason).toContain('none waits');
      return;
    }
    const result = space.expand(prior.values);
    const made = result.ok ? result.configuration.values : undefined;
    for (const [name, value] of Object.entries(TUNED)) {
      const ratio = Number(made?.[name as keyof StackValues]) / Number(value || 1);
      if (value === 0) expect(ratio).toBe(0);
      else expect(Math.abs(Math.log(ratio)), name).toBeLessThan(Math.log(1.3));
    }
    expect(prior.reason).toContain('places 150 to ');
  });

  it('gives idle workers the connections that they wait for', () => {
    const narrow = stockWith({ 'proxy.max': 1 });
    const load = { ratePerSecond: 150, p50Ms: 25, p99Ms: 60, concurrency: 6 };
    const space = tunableSpace(narrow, large, { telemetry: load });
    const made = space.expand(expertPrior(load, large, narrow, space).values);
    expect(made).toMatchObject({ ok: true });
    expect(made.ok && made.configuration.values).toMatchObject({
      'httpd.maxRequestWorkers': 150,
      'proxy.max': 25,
    });
  });

  it('is surer of sizes than of what was never measured', () => {
    const space = tunableSpace(stock, large);
    const { confidence } = expertPrior(crowded, large, stock, space);
    expect(confidence!.places).toBeGreaterThan(confidence!['jetty.minThreads']!);
    expect(confidence!['jetty.virtualThreads']).toBeLessThan(0.6);
    expect(confidence!['mesh.idleTimeout']).toBeLessThan(0.6);
  });

  it('leaves alone what is held still', () => {
    const pair = { ...crowded, nodes: 2 };
    const balancer = (mesh: boolean) =>
      expertPrior(pair, large, stock, tunableSpace(stock, large, { nodes: 2, mesh })).values[
        'mesh.loadBalancer'
      ];
    expect(balancer(true)).toBe('LEAST_REQUEST');
    expect(balancer(false)).toBe('ROUND_ROBIN');
  });

  it('stays within range and resources', () => {
    const huge = { cores: 64, memoryMiB: 200_000, fileDescriptors: 1_000_000 };
    const flood = { ratePerSecond: 1e6, p50Ms: 100, p99Ms: 500, concurrency: 60_000 };
    const space = tunableSpace(stock, huge, { telemetry: flood });
    expect(expertPrior(flood, huge, stock, space).values.places).toBe(8192);
    const tight = { cores: 2, memoryMiB: 632, fileDescriptors: 600 };
    const none = expertPrior(crowded, tight, stock, tunableSpace(stock, tight));
    expect(none.reason).toContain('no room for more');
    expect(none.values).toEqual(tunableSpace(stock, tight).start);
  });

  it('is legal in the space for any load and incumbent', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e4, noNaN: true }));
    const telemetry = fc.record({
      ratePerSecond: number,
      p50Ms: number,
      p99Ms: number,
      concurrency: number,
      nodes: fc.constantFrom(1, 3),
      nodesDiffer: fc.boolean(),
    });
    fc.assert(
      fc.property(telemetry, legalConfiguration, fc.boolean(), (load, incumbent, mesh) => {
        const { nodes, nodesDiffer } = load;
        const surroundings = { telemetry: load, nodes, nodesDiffer, mesh };
        const space = tunableSpace(incumbent, RESOURCES, surroundings);
        const prior = expertPrior(load, RESOURCES, incumbent, space);
        expect(space.check(prior.values).ok).toBe(true);
        expect(prior.reason).not.toBe('');
      }),
      { numRuns: 100 },
    );
  });
});

describe('the expert’s table', () => {
  const load: ExpertLoad = { ratePerSecond: 1000, p50Ms: 100, p99Ms: 300, concurrency: 120 };
  const values = (change: Partial<ExpertLoad> = {}, now = stock.values) =>
    expertValues(450, { ...load, ...change }, RESOURCES, now);

  it('applies what a tuner may turn, and what only follows from it', () => {
    const aside = ['proxy.ttl', 'proxy.acquire', 'proxy.retry'];
    for (const name of KNOB_NAMES) {
      if (isApplied(name) && !aside.includes(name)) expect(NOT_TUNED).not.toHaveProperty([name]);
      expect(EXPERT_ROWS[name].formula).not.toBe('');
    }
  });

  it.each<[string, Partial<StackValues>, Partial<ExpertLoad>?]>([
    ['1.5 x rate x p99', { 'httpd.maxRequestWorkers': 450 }],
    ['2 x workers / threadsPerChild', { 'httpd.threadsPerChild': 90, 'httpd.serverLimit': 16 }],
    ['threadsPerChild connections to Jetty', { 'proxy.max': 90 }],
    ['half of Jetty’s idle time', { 'proxy.ttl': 15 }],
    ['p99 at most 100 ms', { 'proxy.acquire': 100 }],
    ['p99 below 100 ms', { 'proxy.acquire': 7 }, { p99Ms: 6.2 }],
    ['a thread for each connection', { 'jetty.maxThreads': 480 }],
    ['the median’s requests and 10 %', { 'jetty.minThreads': 33 }, { p50Ms: 30 }],
    ['2 x rate x p99', { 'mesh.maxConnections': 600 }],
    [
      'per proxy',
      { 'mesh.maxConnections': 1500 },
      { nodes: 3, nodesDiffer: true, proxies: 1, p99Ms: 250 },
    ],
    ['rate x p50 waiting', { 'mesh.maxPendingRequests': 100 }],
    ['rate x p50 waiting, per proxy', { 'mesh.maxPendingRequests': 75 }, { nodes: 3, proxies: 4 }],
    ['1.5 x p99 for a try', { 'mesh.perTryTimeout': 1050, 'mesh.timeout': 2150 }, { p99Ms: 700 }],
    ['above the deadlines inside', { 'mesh.perTryTimeout': 1001, 'mesh.timeout': 2052 }],
    ['one node of three', { 'mesh.outlierMaxEjectionPercent': 34 }, { nodes: 3 }],
    ['weights by speed', { 'mesh.nodeWeighting': 100 }, { nodes: 2, nodesDiffer: true }],
    ['the least loaded node', { 'mesh.loadBalancer': 'LEAST_REQUEST' }, { nodes: 2 }],
  ])('has %s', (_, expected, change) => {
    expect(values(change)).toMatchObject(expected);
  });

  it('counts the waiting that threads cover, where CPU time is known', () => {
    const quiet = { ratePerSecond: 100, p50Ms: 100, p99Ms: 120, concurrency: 12 };
    const places = (cpuMsPerRequest?: number) =>
      expertConfiguration(
        { ...quiet, ...(cpuMsPerRequest !== undefined && { cpuMsPerRequest }) },
        RESOURCES,
        stock,
      ).configuration.values['httpd.maxRequestWorkers'];
    expect(places()).toBe(150);
    expect(places(0.5)).toBe(400);
    expect(places(Number.NaN)).toBe(150);
  });

  it('turns compression down where it is on, and never on', () => {
    expect(values()['httpd.compression']).toBe(false);
    const on = stockWith({ 'httpd.compression': true }).values;
    expect(values({}, on)).toMatchObject({
      'httpd.compression': true,
      'httpd.compressionLevel': 1,
    });
  });

  it('is a legal configuration as a whole, too', () => {
    expect(createStackConfiguration(values(), RESOURCES).ok).toBe(true);
    expect(createStackConfiguration(values({ nodes: 4, p99Ms: 900 }), RESOURCES).ok).toBe(true);
  });

  it('advises a person in words, on what no tuner turns and nothing else', () => {
    const words = adviceWords(expertAdvice(load, RESOURCES, stock.values));
    expect(words.find((one) => one.includes('mesh.maxConnections'))).toMatch(
      /^Expert rule: mesh\.maxConnections 600 instead of 100000 \(2 x rate.*50 % sure\)\. Not tuned, because a tighter value/,
    );
    expect(words.join()).not.toContain('httpd.');
  });

  it('tells a person what it would change, also what it does not apply', () => {
    const advice = expertAdvice(load, RESOURCES, stock.values);
    expect(advice.find(({ knob }) => knob === 'mesh.maxConnections')).toMatchObject({
      inForce: 100_000,
      advised: 600,
      applied: false,
    });
    expect(advice.find(({ knob }) => knob === 'httpd.maxRequestWorkers')).toMatchObject({
      advised: 450,
      applied: true,
    });
    expect(expertAdvice({ ...load, p99Ms: Number.NaN }, RESOURCES, stock.values)).toEqual([]);
  });
});
