import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStackConfiguration, requireStackConfiguration } from './configuration.ts';
import { FORMER_VALUES, withoutFormerValues } from './added-knobs.ts';
import {
  anyValues,
  legalConfiguration,
  RESOURCES,
  STORED_BEFORE,
  stockWith,
  TUNED,
} from './configurations-fixture.ts';
import { KNOB_NAMES, STACK_KNOBS } from './knobs.ts';
import type { StackValues } from './knobs.ts';
import { leasedJettyThreads } from './resources.ts';
import type { NodeResources } from './resources.ts';
import { STACK_RULES } from './rules.ts';
import { stockConfiguration, STOCK_VALUES } from './stock.ts';

function rulesOf(values: Partial<StackValues>, resources: Partial<NodeResources> = {}): string[] {
  const all = { ...STOCK_VALUES, ...values };
  const result = createStackConfiguration(all, { ...RESOURCES, ...resources });
  return result.ok ? [] : result.violations.map((one) => one.rule);
}

describe('a stack configuration', () => {
  it('is stock’s and the tuned one’s, by every rule', () => {
    expect(stockConfiguration(RESOURCES).values).toEqual(STOCK_VALUES);
    expect(rulesOf(TUNED)).toEqual([]);
  });

  it.each<[string, Partial<StackValues>, Partial<NodeResources>?]>([
    ['proxy-idle-below-httpd-keep-alive', { 'mesh.idleTimeout': 5000 }],
    ['proxy-idle-below-httpd-keep-alive', { 'httpd.keepAliveTimeout': 3000 }],
    ['jetty-idle-margin', { 'proxy.ttl': 30, 'jetty.idleTimeout': 30_999 }],
    ['timeout-holds-all-tries', { 'mesh.timeout': 28_049 }],
    ['inner-deadlines-shorter', { 'proxy.acquire': 14_000 }],
    ['inner-deadlines-shorter', { 'mesh.connectTimeout': 14_000 }],
    ['inner-deadlines-shorter', { 'mesh.retries': 0, 'mesh.timeout': 900 }],
    ['tries-bounded', { 'mesh.retries': 3, 'mesh.timeout': 60_000 }],
    ['jetty-carries-httpd', { 'jetty.maxThreads': 153 }],
    ['jetty-carries-httpd', { ...TUNED, 'jetty.maxThreads': 800 }],
    ['jetty-min-below-max', { 'jetty.minThreads': 201 }],
    ['workers-multiple-of-child', { 'httpd.maxRequestWorkers': 149 }],
    ['children-within-half-server-limit', { 'httpd.serverLimit': 11 }],
    ['child-within-thread-limit', { 'httpd.threadLimit': 24 }],
    ['start-within-workers', { 'httpd.startServers': 7 }],
    ['spare-threads-apart', { 'httpd.maxSpareThreads': 50 }],
    ['min-spare-within-workers', { 'httpd.minSpareThreads': 151, 'httpd.maxSpareThreads': 400 }],
    ['descriptors-within-limit', {}, { fileDescriptors: 599 }],
    ['memory-within-limit', {}, { memoryMiB: 631 }],
    ['virtual-threads-need-java-21', { 'jetty.virtualThreads': true }, { javaVersion: 17 }],
    // Rule 6 holds for virtual threads, too: as many at once as maxThreads says.
    ['jetty-carries-httpd', { 'jetty.virtualThreads': true, 'jetty.maxThreads': 153 }],
  ])('obeys %s', (rule, values, resources) => {
    expect(rulesOf(values, resources)).toEqual([rule]);
  });

  it('obeys proxy-ttl-below-jetty-idle, and says so together with its margin', () => {
    expect(rulesOf({ 'proxy.ttl': 30 })).toEqual([
      'proxy-ttl-below-jetty-idle',
      'jetty-idle-margin',
    ]);
  });

  it('takes a JVM of unknown version for one without virtual threads, and says which it has', () => {
    const unknown = { ...RESOURCES, javaVersion: undefined };
    const values = { ...STOCK_VALUES, 'jetty.virtualThreads': true };
    const message = (resources: NodeResources) => {
      const result = createStackConfiguration(values, resources);
      return result.ok ? undefined : result.violations.map((one) => one.message).join(' ');
    };
    expect(message(unknown)).toMatch(/unknown version; leave it off/);
    expect(message({ ...RESOURCES, javaVersion: 20 })).toContain('the node has Java 20');
    expect(message(RESOURCES)).toBeUndefined();
  });

  it('stands exactly on the limits', () => {
    expect(rulesOf({ 'jetty.maxThreads': 154 })).toEqual([]);
    expect(rulesOf({ 'mesh.timeout': 28_050 })).toEqual([]);
    expect(rulesOf({ 'httpd.serverLimit': 12 })).toEqual([]);
    expect(rulesOf({}, { fileDescriptors: 600, memoryMiB: 632 })).toEqual([]);
  });

  it('is not held to keep-alive or retries that are off', () => {
    expect(rulesOf({ 'httpd.keepAlive': false, 'mesh.idleTimeout': 60_000 })).toEqual([]);
    expect(rulesOf({ 'mesh.retries': 0, 'mesh.perTryTimeout': 60_000 })).toEqual([]);
  });

  it('reports every broken rule at once, with the numbers', () => {
    const result = createStackConfiguration(
      {
        ...STOCK_VALUES,
        'httpd.maxRequestWorkers': 151,
        'proxy.ttl': 60,
        'mesh.idleTimeout': 9000,
      },
      RESOURCES,
    );
    expect(result).toMatchObject({ ok: false });
    const { violations } = result as Extract<typeof result, { ok: false }>;
    expect(violations.length).toBeGreaterThanOrEqual(4);
    expect(violations.map((one) => one.message).join(' ')).toContain('mesh.idleTimeout (9000 ms)');
  });

  it('has a hash that depends on the values alone', () => {
    const one = stockConfiguration(RESOURCES);
    const turned = Object.fromEntries(Object.entries(STOCK_VALUES).reverse());
    const other = requireStackConfiguration(turned, { ...RESOURCES, cores: 4 });
    expect(other.hash).toBe(one.hash);
    const canonical = JSON.stringify(withoutFormerValues(STOCK_VALUES), KNOB_NAMES.toSorted());
    expect(one.hash).toBe(createHash('sha256').update(canonical).digest('hex'));
    expect(Object.isFrozen(one) && Object.isFrozen(one.values)).toBe(true);
    fc.assert(
      fc.property(legalConfiguration, legalConfiguration, (a, b) => {
        const same = KNOB_NAMES.every((name) => a.values[name] === b.values[name]);
        expect(a.hash === b.hash).toBe(same);
      }),
    );
  });

  it('is the same configuration as before later knobs came, with what was in force then', () => {
    const old = requireStackConfiguration(STORED_BEFORE.values, RESOURCES);
    expect(old.hash).toBe(STORED_BEFORE.hash);
    expect(old).toEqual(stockConfiguration(RESOURCES));
    expect(old.values).toMatchObject(FORMER_VALUES);
    expect(withoutFormerValues(old.values)).toEqual(STORED_BEFORE.values);
  });

  it('has another identity as soon as a later knob is turned, and needs all the others', () => {
    for (const name of Object.keys(FORMER_VALUES) as (keyof typeof FORMER_VALUES)[]) {
      const knob = STACK_KNOBS[name];
      const turned = knob.kind === 'boolean' ? true : FORMER_VALUES[name] === 0 ? 1 : 7;
      const other = requireStackConfiguration(
        { ...STORED_BEFORE.values, [name]: turned },
        RESOURCES,
      );
      expect(other.hash).not.toBe(STORED_BEFORE.hash);
    }
    const without = Object.fromEntries(
      Object.entries(STORED_BEFORE.values).filter(([name]) => name !== 'proxy.max'),
    );
    expect(createStackConfiguration(without, RESOURCES)).toMatchObject({
      ok: false,
      violations: [{ rule: 'missing-knob' }],
    });
    // Only absence is filled.
    const odd = { ...STORED_BEFORE.values, 'httpd.compression': undefined };
    expect(createStackConfiguration(odd, RESOURCES)).toMatchObject({
      ok: false,
      violations: [{ rule: 'illegal-value' }],
    });
  });

  it('survives the form that older agents understand', () => {
    fc.assert(
      fc.property(legalConfiguration, (configuration) => {
        const values = withoutFormerValues(configuration.values);
        expect(requireStackConfiguration(values, RESOURCES)).toEqual(configuration);
      }),
      { numRuns: 50 },
    );
    expect(withoutFormerValues(stockWith({ 'httpd.compressionLevel': 9 }).values)).toHaveProperty([
      'httpd.compressionLevel',
    ]);
  });

  it('survives JSON', () => {
    fc.assert(
      fc.property(legalConfiguration, (configuration) => {
        const values: unknown = JSON.parse(JSON.stringify(configuration.values));
        expect(requireStackConfiguration(values, RESOURCES)).toEqual(configuration);
      }),
    );
  });

  it('exists for any values exactly when no rule is broken', () => {
    let legal = 0;
    fc.assert(
      fc.property(anyValues, (values) => {
        const result = createStackConfiguration(values, RESOURCES);
        const held = STACK_RULES.every((rule) => rule.holds(values, RESOURCES));
        expect(result.ok).toBe(held);
        if (held) legal += 1;
        else expect((result as Extract<typeof result, { ok: false }>).violations).not.toEqual([]);
      }),
    );
    expect(legal).toBeLessThan(100);
  });

  it('answers any input', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true }), (values) => {
        expect(createStackConfiguration(values, RESOURCES).ok).toBe(false);
      }),
    );
    expect(() => requireStackConfiguration({}, RESOURCES)).toThrow(/jetty\.maxThreads is missing/);
    expect(createStackConfiguration(STOCK_VALUES, { ...RESOURCES, memoryMiB: Number.NaN }).ok).toBe(
      false,
    );
  });
});

describe('threads that Jetty keeps for itself', () => {
  it('grow with the cores, up to what its pool allows', () => {
    expect(leasedJettyThreads(2, 200)).toBe(4);
    expect(leasedJettyThreads(1.5, 200)).toBe(4);
    expect(leasedJettyThreads(64, 10_000)).toBe(100);
    expect(leasedJettyThreads(64, 50)).toBe(4 + 3 + 5);
  });
});
