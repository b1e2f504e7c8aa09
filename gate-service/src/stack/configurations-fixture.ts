/** Configurations for tests. */
import fc from 'fast-check';
import { fromUnitInterval } from '../optimizer/space/unit-interval.ts';
import { requireStackConfiguration } from './configuration.ts';
import type { StackConfiguration } from './configuration.ts';
import { KNOB_NAMES, STACK_KNOBS } from './knobs.ts';
import type { StackValues } from './knobs.ts';
import type { NodeResources } from './resources.ts';
import { leasedJettyThreads } from './resources.ts';
import { STOCK_VALUES } from './stock.ts';

export const RESOURCES: NodeResources = {
  cores: 2,
  memoryMiB: 4096,
  fileDescriptors: 20_000,
  javaVersion: 21,
};

/** Stock as it was stored before compression, virtual threads, node weights and outlier detection's times were knobs. */
export const STORED_BEFORE = {
  hash: '4340997e9f4ac162cfd02cfaefce5d5ecb21302c2ca6221877bd4daf3f403384',
  values: JSON.parse(
    '{"httpd.keepAlive":true,"httpd.keepAliveTimeout":5000,"httpd.listenBacklog":511,"httpd.maxKeepAliveRequests":100,' +
      '"httpd.maxRequestWorkers":150,"httpd.maxSpareThreads":75,"httpd.minSpareThreads":25,"httpd.serverLimit":16,' +
      '"httpd.startServers":2,"httpd.threadLimit":64,"httpd.threadsPerChild":25,"jetty.acceptQueueSize":50,' +
      '"jetty.idleTimeout":30000,"jetty.maxThreads":200,"jetty.minThreads":10,"mesh.connectTimeout":500,' +
      '"mesh.idleTimeout":3000,"mesh.loadBalancer":"ROUND_ROBIN","mesh.maxConnections":100000,' +
      '"mesh.maxPendingRequests":100000,"mesh.outlierMaxEjectionPercent":50,"mesh.perTryTimeout":14000,"mesh.retries":1,' +
      '"mesh.timeout":30000,"proxy.acquire":1000,"proxy.max":25,"proxy.retry":0,"proxy.ttl":15}',
  ) as Readonly<Record<string, unknown>>,
} as const;

/** What was measured to win at high concurrency on two cores; the expert policy must come to it by itself. */
export const TUNED: Partial<StackValues> = {
  'httpd.threadLimit': 100,
  'httpd.threadsPerChild': 100,
  'httpd.maxRequestWorkers': 800,
  'httpd.serverLimit': 16,
  'httpd.startServers': 8,
  'httpd.minSpareThreads': 100,
  'httpd.maxSpareThreads': 800,
  'httpd.maxKeepAliveRequests': 0,
  'httpd.listenBacklog': 2048,
  'proxy.max': 100,
  'jetty.maxThreads': 832,
  'jetty.minThreads': 50,
  'jetty.acceptQueueSize': 1024,
};

/** Stock with some values changed. Throws when that is illegal. */
export function stockWith(values: Partial<StackValues>): StackConfiguration {
  return requireStackConfiguration({ ...STOCK_VALUES, ...values }, RESOURCES);
}

/** Any values of all knobs, each legal for itself. */
export const anyValues: fc.Arbitrary<StackValues> = fc
  .tuple(...KNOB_NAMES.map(() => fc.double({ min: 0, max: 1, noNaN: true })))
  .map(
    (places) =>
      Object.fromEntries(
        KNOB_NAMES.map((name, index) => [
          name,
          fromUnitInterval(STACK_KNOBS[name], places[index] ?? 0),
        ]),
      ) as StackValues,
  );

/** Legal configurations all over the space, made by construction. */
export const legalConfiguration: fc.Arbitrary<StackConfiguration> = fc
  .record({
    perChild: fc.integer({ min: 1, max: 100 }),
    children: fc.integer({ min: 1, max: 16 }),
    spareJetty: fc.integer({ min: 8, max: 300 }),
    keepAlive: fc.boolean(),
    keepAliveTimeout: fc.integer({ min: 2, max: 60_000 }),
    meshIdle: fc.double({ min: 0, max: 0.99, noNaN: true }),
    ttl: fc.integer({ min: 1, max: 60 }),
    jettyMargin: fc.integer({ min: 1000, max: 60_000 }),
    retries: fc.integer({ min: 0, max: 2 }),
    perTry: fc.integer({ min: 600, max: 20_000 }),
    acquire: fc.integer({ min: 1, max: 599 }),
    backlog: fc.constantFrom(511, 2048),
    serverLimit: fc.constantFrom(32, 64),
    acceptQueue: fc.constantFrom(50, 1024),
    compression: fc.boolean(),
    level: fc.constantFrom(1, 6),
    virtualThreads: fc.boolean(),
    ejection: fc.constantFrom(500, 10_000),
    weighting: fc.constantFrom(0, 100),
  })
  .map((choice) => {
    const workers = choice.perChild * choice.children;
    const maxThreads = workers + choice.spareJetty;
    return stockWith({
      'httpd.keepAlive': choice.keepAlive,
      'httpd.keepAliveTimeout': choice.keepAliveTimeout,
      'mesh.idleTimeout': Math.max(1, Math.floor(choice.keepAliveTimeout * choice.meshIdle)),
      'httpd.threadsPerChild': choice.perChild,
      'httpd.threadLimit': 100,
      'httpd.maxRequestWorkers': workers,
      'httpd.serverLimit': choice.serverLimit,
      'httpd.startServers': 1,
      'httpd.minSpareThreads': 1,
      'httpd.maxSpareThreads': choice.perChild + 2,
      'httpd.listenBacklog': choice.backlog,
      'proxy.max': choice.perChild,
      'proxy.ttl': choice.ttl,
      'proxy.acquire': choice.acquire,
      'jetty.maxThreads': maxThreads + leasedJettyThreads(RESOURCES.cores, maxThreads),
      'jetty.minThreads': 8,
      'jetty.idleTimeout': choice.ttl * 1000 + choice.jettyMargin,
      'jetty.acceptQueueSize': choice.acceptQueue,
      'httpd.compression': choice.compression,
      'httpd.compressionLevel': choice.level,
      'jetty.virtualThreads': choice.virtualThreads,
      'mesh.outlierInterval': choice.ejection,
      'mesh.nodeWeighting': choice.weighting,
      'mesh.retries': choice.retries,
      'mesh.perTryTimeout': choice.perTry,
      'mesh.timeout': (1 + choice.retries) * choice.perTry + choice.retries * 50,
    });
  });
