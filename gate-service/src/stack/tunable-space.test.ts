import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BoundSpace } from '../optimizer/space/bound-space.ts';
import { fromUnitInterval } from '../optimizer/space/unit-interval.ts';
import { createStackConfiguration } from './configuration.ts';
import type { StackConfiguration } from './configuration.ts';
import { legalConfiguration, RESOURCES, stockWith, TUNED } from './configurations-fixture.ts';
import { placesOf } from './headroom.ts';
import { KNOB_NAMES } from './knobs.ts';
import { placesIn, POOL_KNOBS, poolsFor } from './pools.ts';
import { STACK_RULES } from './rules.ts';
import { tunableSpace } from './tunable-space.ts';
import type { TunableSpace } from './tunable-space.ts';
import { LED_KNOBS, NOT_TUNED, TUNING_KNOB_NAMES, TUNING_KNOBS } from './tuning-knobs.ts';
import type { TuningValues } from './tuning-knobs.ts';

const stock = stockWith({});
const everything = { nodes: 2, nodesDiffer: true };

function expanded(space: TunableSpace, values: Partial<TuningValues>): StackConfiguration {
  const result = space.expand({ ...space.start, ...values });
  if (!result.ok) throw new Error(result.violations.map(({ message }) => message).join('\n'));
  return result.configuration;
}

function refusals(space: TunableSpace, values: Readonly<Record<string, unknown>>): string[] {
  const result = space.check({ ...space.start, ...values });
  return result.ok ? [] : result.violations.map(({ rule }) => rule);
}

function differing(one: StackConfiguration, other: StackConfiguration): string[] {
  return KNOB_NAMES.filter((name) => one.values[name] !== other.values[name]);
}

describe('the knobs that a tuner turns', () => {
  it('lead every knob of the stack, or it is said why not', () => {
    const led = new Set(TUNING_KNOB_NAMES.flatMap((name) => LED_KNOBS[name]));
    const left = Object.keys(NOT_TUNED);
    expect([...led, ...left].toSorted()).toEqual([...KNOB_NAMES].toSorted());
  });

  it('are the same knobs with the same ranges around any usual configuration', () => {
    const spaces = [stock, stockWith(TUNED)].map((one) => tunableSpace(one, RESOURCES, everything));
    for (const space of spaces) expect(space.knobs).toEqual(TUNING_KNOBS);
    const tiny = stockWith({
      'httpd.maxRequestWorkers': 8,
      'httpd.threadsPerChild': 8,
      'httpd.minSpareThreads': 8,
      'httpd.startServers': 1,
    });
    expect(tunableSpace(tiny, RESOURCES).knobs.places).toMatchObject({
      minimum: 8,
      maximum: 8192,
      // What is learnt around it is of use in the usual range, too.
      declared: { minimum: 16, maximum: 8192 },
    });
  });
});

describe('the space around a configuration', () => {
  it('is the tuner’s kind of space', () => {
    const bound: BoundSpace = tunableSpace(stock, RESOURCES);
    expect(bound.names).toEqual(TUNING_KNOB_NAMES);
    expect(bound.check(tunableSpace(stock, RESOURCES).start).ok).toBe(true);
  });

  it('has the configuration in force at its start, whatever that is', () => {
    fc.assert(
      fc.property(legalConfiguration, (incumbent) => {
        const space = tunableSpace(incumbent, RESOURCES, everything);
        expect(space.expand(space.start)).toEqual({ ok: true, configuration: incumbent });
        expect(space.start.places).toBe(placesOf(incumbent));
      }),
      { numRuns: 50 },
    );
  });

  it('comes from stock to what was measured to win by places alone', () => {
    const space = tunableSpace(stock, RESOURCES);
    const { values } = expanded(space, {
      places: 800,
      'jetty.minThreads': 50,
      'httpd.unlimitedKeepAlive': true,
    });
    expect(values).toMatchObject(TUNED);
  });

  it('turns what a knob leads, and nothing else', () => {
    const space = tunableSpace(stock, RESOURCES, everything);
    const turned: Partial<TuningValues> = {
      places: 300,
      'jetty.minThreads': 40,
      'jetty.virtualThreads': true,
      'httpd.unlimitedKeepAlive': true,
      'mesh.idleTimeout': 9000,
      'mesh.loadBalancer': 'LEAST_REQUEST',
      'mesh.nodeWeighting': 100,
    };
    for (const [name, value] of Object.entries(turned)) {
      const changed = differing(expanded(space, { [name]: value }), stock);
      expect(changed.length).toBeGreaterThan(0);
      expect(LED_KNOBS[name as keyof TuningValues]).toEqual(expect.arrayContaining(changed));
    }
    expect(expanded(space, { 'mesh.idleTimeout': 9000 }).values['httpd.keepAliveTimeout']).toBe(
      11_000,
    );
  });

  it('turns keep-alive on with a time that fits, but never off', () => {
    const closed = stockWith({ 'httpd.keepAlive': false, 'httpd.keepAliveTimeout': 100 });
    const space = tunableSpace(closed, RESOURCES);
    expect(expanded(space, { 'httpd.keepAlive': true }).values).toMatchObject({
      'httpd.keepAlive': true,
      'httpd.keepAliveTimeout': 5000,
    });
    expect(space.isActive('mesh.idleTimeout', space.start)).toBe(false);
    expect(refusals(tunableSpace(stock, RESOURCES), { 'httpd.keepAlive': false })).toEqual([
      'held-still',
    ]);
  });

  it('widens a pool of connections that was the narrow place', () => {
    const narrow = stockWith({ 'proxy.max': 5 });
    const space = tunableSpace(narrow, RESOURCES);
    expect(space.start.places).toBe(30);
    expect(expanded(space, { places: 150 }).values).toMatchObject({
      'httpd.maxRequestWorkers': 150,
      'proxy.max': 25,
    });
  });

  it.each<[string, Partial<TuningValues>, Parameters<typeof tunableSpace>[2]?]>([
    ['jetty.virtualThreads', { 'jetty.virtualThreads': true }],
    ['httpd.compressionLevel', { 'httpd.compressionLevel': 1 }],
    ['mesh.loadBalancer', { 'mesh.loadBalancer': 'LEAST_REQUEST' }],
    ['mesh.nodeWeighting', { 'mesh.nodeWeighting': 50 }, { nodes: 2 }],
    ['mesh.idleTimeout', { 'mesh.idleTimeout': 2000 }, { mesh: false }],
  ])('holds %s still where it has no meaning, and says why', (name, values, surroundings) => {
    const space = tunableSpace(stock, { ...RESOURCES, javaVersion: 17 }, surroundings);
    expect(space.isActive(name, space.start)).toBe(false);
    const result = space.check({ ...space.start, ...values });
    expect(result).toMatchObject({ ok: false, violations: [{ rule: 'held-still' }] });
    const message = result.ok ? '' : result.violations[0]!.message;
    expect(message).toMatch(new RegExp(`^${name} must stay .+: .+\\.$`));
  });

  it('holds nothing still that may be turned', () => {
    const rich = stockWith({ 'httpd.compression': true });
    const space = tunableSpace(rich, RESOURCES, everything);
    expect(Object.keys(space.held)).toEqual(['httpd.keepAlive']);
    expect(expanded(space, { 'httpd.compressionLevel': 1 }).values).toMatchObject({
      'httpd.compressionLevel': 1,
    });
  });

  it('never makes the pools smaller than the requests in flight', () => {
    const telemetry = { ratePerSecond: 1000, p50Ms: 60, p99Ms: 90, concurrency: 80 };
    const space = tunableSpace(stock, RESOURCES, { telemetry });
    expect(refusals(space, { places: 79 })).toEqual(['places-hold-load']);
    expect(refusals(space, { places: 80 })).toEqual([]);
    // Where the load is more than there are places, these must stay.
    const full = { ...telemetry, concurrency: 512 };
    expect(refusals(tunableSpace(stock, RESOURCES, { telemetry: full }), { places: 149 })).toEqual([
      'places-hold-load',
    ]);
  });

  it('makes the pools no larger than the load could ever fill', () => {
    const telemetry = { ratePerSecond: 1000, p50Ms: 100, p99Ms: 120, concurrency: 140 };
    const space = tunableSpace(stock, RESOURCES, { telemetry });
    expect(refusals(space, { places: 560 })).toEqual([]);
    expect(refusals(space, { places: 561 })).toEqual(['places-of-use']);
    // A long tail may need more, and what is in force may stay.
    const tail = { ...telemetry, p99Ms: 500 };
    expect(refusals(tunableSpace(stock, RESOURCES, { telemetry: tail }), { places: 750 })).toEqual(
      [],
    );
    const idle = { ratePerSecond: 1, p50Ms: 1, p99Ms: 1, concurrency: 0 };
    const wide = tunableSpace(stockWith(TUNED), RESOURCES, { telemetry: idle });
    expect(refusals(wide, { places: 800 })).toEqual([]);
    expect(refusals(wide, { places: 801 })).toEqual(['places-of-use']);
  });

  it('refuses with the rules of the stack what the node cannot carry', () => {
    const small = { ...RESOURCES, memoryMiB: 800, fileDescriptors: 2000 };
    const space = tunableSpace(stock, small);
    expect(refusals(space, { places: 800 })).toEqual([
      'descriptors-within-limit',
      'memory-within-limit',
    ]);
    expect(refusals(space, { 'jetty.minThreads': 1000 })).toEqual(['jetty-min-below-max']);
    expect(refusals(space, { places: 0.5 })).toEqual(['illegal-value']);
    expect(refusals(space, { places: Number.NaN })).toEqual(['illegal-value']);
    expect(refusals(space, { workers: 3 })).toEqual(['unknown-knob']);
    expect(space.check(null).ok).toBe(false);
  });

  it('makes of any place in it a legal configuration, or says what is wrong', () => {
    const unit = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: TUNING_KNOB_NAMES.length,
      maxLength: TUNING_KNOB_NAMES.length,
    });
    let legal = 0;
    fc.assert(
      fc.property(unit, legalConfiguration, (places, incumbent) => {
        const space = tunableSpace(incumbent, RESOURCES, everything);
        const values = Object.fromEntries(
          TUNING_KNOB_NAMES.map((name, index) => {
            const free = space.isActive(name, space.start);
            return [
              name,
              free ? fromUnitInterval(space.knobs[name]!, places[index]!) : space.start[name],
            ];
          }),
        );
        const result = space.expand(values);
        expect(space.check(values).ok).toBe(result.ok);
        if (result.ok) {
          legal += 1;
          const { values: made } = result.configuration;
          expect(createStackConfiguration(made, RESOURCES)).toEqual(result);
          expect(STACK_RULES.every((rule) => rule.holds(made, RESOURCES))).toBe(true);
          if (values.places !== space.start.places) {
            expect(placesIn(made)).toBeGreaterThanOrEqual(Number(values.places));
          }
        } else {
          expect(result.violations.length).toBeGreaterThan(0);
          for (const { message } of result.violations) expect(message).not.toBe('');
        }
      }),
      { numRuns: 200 },
    );
    // The space is no desert: most of what lies below the node's memory is legal.
    expect(legal).toBeGreaterThan(60);
  });
});

describe('pools', () => {
  it('have hardly more places than asked for, in equal children', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 8192 }), legalConfiguration, (places, { values }) => {
        const made = { ...values, ...poolsFor(places, values, RESOURCES) };
        const workers = made['httpd.maxRequestWorkers'];
        expect(workers % made['httpd.threadsPerChild']).toBe(0);
        expect(placesIn(made)).toBe(workers);
        expect(workers).toBeGreaterThanOrEqual(places);
        const children = workers / made['httpd.threadsPerChild'];
        expect(workers - places).toBeLessThan(children);
      }),
      { numRuns: 100 },
    );
  });

  it('set the knobs that they say', () => {
    expect(Object.keys(poolsFor(100, stock.values, RESOURCES)).toSorted()).toEqual(
      [...POOL_KNOBS].toSorted(),
    );
  });
});
