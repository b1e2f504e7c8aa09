import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { APPLY_COSTS, costToApply } from './cost.ts';
import { legalConfiguration, RESOURCES, stockWith, TUNED } from './configurations-fixture.ts';
import { STACK_RULES } from './rules.ts';
import { checkStep } from './step-rule.ts';
import { planSwap } from './swap-plan.ts';
import type { SwapPlan } from './swap-plan.ts';

const stock = stockWith({});
const stepsOf = (plan: SwapPlan): string[] => plan.steps.map((one) => `${one.target}:${one.way}`);

describe('a swap plan', () => {
  it.each<
    [string, Parameters<typeof stockWith>[0], Parameters<typeof stockWith>[0], string, string[]]
  >([
    ['nothing', {}, {}, 'none', []],
    ['a mesh push', {}, { 'mesh.maxConnections': 50 }, 'live', ['mesh:live']],
    ['more Jetty threads', {}, { 'jetty.maxThreads': 400 }, 'live', ['jetty:live']],
    ['fewer Jetty threads', { 'jetty.maxThreads': 400 }, {}, 'route', ['jetty:route']],
    ['fewer idle Jetty threads', { 'jetty.minThreads': 20 }, {}, 'live', ['jetty:live']],
    [
      'a new accept queue with more threads',
      {},
      { 'jetty.maxThreads': 400, 'jetty.acceptQueueSize': 9 },
      'route',
      ['jetty:route'],
    ],
    ['virtual threads', {}, { 'jetty.virtualThreads': true }, 'route', ['jetty:route']],
    [
      'more virtual threads',
      { 'jetty.virtualThreads': true },
      { 'jetty.virtualThreads': true, 'jetty.maxThreads': 400 },
      'route',
      ['jetty:route'],
    ],
    [
      'back to platform threads, and more of them',
      { 'jetty.virtualThreads': true },
      { 'jetty.maxThreads': 400 },
      'route',
      ['jetty:route'],
    ],
    ['compression', {}, { 'httpd.compression': true }, 'graceful', ['httpd:graceful']],
    [
      'outlier detection, limits of connections and weights',
      {},
      {
        'mesh.outlierConsecutiveErrors': 5,
        'mesh.outlierInterval': 1000,
        'mesh.outlierBaseEjection': 9000,
        'mesh.maxRequestsPerConnection': 1000,
        'mesh.nodeWeighting': 100,
      },
      'live',
      ['mesh:live'],
    ],
    ['httpd settings', {}, { 'httpd.maxKeepAliveRequests': 0 }, 'graceful', ['httpd:graceful']],
    [
      'a fixed limit',
      {},
      { 'httpd.serverLimit': 32, 'jetty.maxThreads': 300 },
      'replace',
      ['node:replace'],
    ],
    [
      'growth: Jetty before httpd',
      {},
      { 'httpd.maxRequestWorkers': 200, 'jetty.maxThreads': 400 },
      'graceful',
      ['jetty:live', 'httpd:graceful'],
    ],
    [
      'shrinking: httpd before Jetty',
      { 'httpd.maxRequestWorkers': 200, 'jetty.maxThreads': 400 },
      {},
      'graceful',
      ['httpd:graceful', 'jetty:route'],
    ],
    [
      'longer keep-alive: httpd before the mesh',
      {},
      { 'httpd.keepAliveTimeout': 9000, 'mesh.idleTimeout': 8000 },
      'graceful',
      ['httpd:graceful', 'mesh:live'],
    ],
    [
      'shorter keep-alive: the mesh before httpd',
      { 'httpd.keepAliveTimeout': 9000, 'mesh.idleTimeout': 8000 },
      {},
      'graceful',
      ['mesh:live', 'httpd:graceful'],
    ],
    // More threads must come before httpd's workers, a shorter idle time after httpd's.
    [
      'no legal order: a new node',
      {},
      {
        'httpd.maxRequestWorkers': 200,
        'jetty.maxThreads': 400,
        'proxy.ttl': 5,
        'jetty.idleTimeout': 10_000,
      },
      'replace',
      ['node:replace'],
    ],
    // A longer idle time must come after httpd's, a longer try before.
    [
      'the mesh in two parts',
      {},
      {
        'httpd.keepAliveTimeout': 9000,
        'mesh.idleTimeout': 8000,
        'proxy.acquire': 15_000,
        'mesh.perTryTimeout': 16_000,
        'mesh.timeout': 60_000,
      },
      'graceful',
      ['mesh:live', 'httpd:graceful', 'mesh:live'],
    ],
  ])('%s', (_, from, to, way, steps) => {
    const plan = planSwap(stockWith(from), stockWith(to));
    expect(plan.way).toBe(way);
    expect(stepsOf(plan)).toEqual(steps);
  });

  it('replaces the node to get from stock to tuned', () => {
    expect(planSwap(stock, stockWith(TUNED)).way).toBe('replace');
  });

  it('changes every knob once, by no cheaper way than it costs', () => {
    fc.assert(
      fc.property(legalConfiguration, legalConfiguration, (from, to) => {
        const plan = planSwap(from, to);
        expect(plan.steps.flatMap((one) => one.knobs).toSorted()).toEqual(plan.knobs.toSorted());
        for (const step of plan.steps) {
          for (const knob of step.knobs) {
            const cost = costToApply(knob, from.values, to.values);
            expect(APPLY_COSTS.indexOf(step.way)).toBeGreaterThanOrEqual(APPLY_COSTS.indexOf(cost));
          }
        }
      }),
    );
  });

  it('passes through no state that breaks a rule between layers', () => {
    const across = new Set([
      'proxy-idle-below-httpd-keep-alive',
      'proxy-ttl-below-jetty-idle',
      'jetty-idle-margin',
      'inner-deadlines-shorter',
      'timeout-holds-all-tries',
    ]);
    let between = 0;
    fc.assert(
      fc.property(legalConfiguration, legalConfiguration, (from, to) => {
        let state = from.values;
        for (const step of planSwap(from, to).steps) {
          const changed = Object.fromEntries(step.knobs.map((name) => [name, to.values[name]]));
          state = { ...state, ...changed };
          between += 1;
          const broken = STACK_RULES.filter(
            (rule) => across.has(rule.name) && !rule.holds(state, RESOURCES),
          );
          expect(broken.map((rule) => rule.message(state, RESOURCES))).toEqual([]);
          // Rule 6 may only get better than the worse end.
          const room = (v: typeof state) =>
            v['jetty.maxThreads'] -
            (v['httpd.maxRequestWorkers'] / v['httpd.threadsPerChild']) * v['proxy.max'];
          expect(room(state)).toBeGreaterThanOrEqual(Math.min(room(from.values), room(to.values)));
        }
      }),
      { numRuns: 1000 },
    );
    expect(between).toBeGreaterThan(1000);
  });
});

describe('a step in production', () => {
  it('moves no pool by more than a factor of two', () => {
    expect(checkStep(stock, stockWith({ 'jetty.maxThreads': 400 }))).toEqual([]);
    expect(checkStep(stock, stockWith({ 'jetty.maxThreads': 401 }))).toMatchObject([
      {
        rule: 'step-within-factor-two',
        message: expect.stringContaining('by way of 400') as string,
      },
    ]);
    const down = checkStep(stockWith(TUNED), stock).map((one) => one.message.split(' ')[0]);
    expect(down).toEqual(['httpd.maxRequestWorkers', 'proxy.max', 'jetty.maxThreads']);
  });
});
