import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStackConfiguration } from './configuration.ts';
import { legalConfiguration, RESOURCES, stockWith, TUNED } from './configurations-fixture.ts';
import { expertConfiguration } from './expert.ts';
import { findHeadroom, hasHeadroom, placesOf } from './headroom.ts';
import type { NodeTelemetry } from './headroom.ts';

const stock = stockWith({});
/** Measured on two cores: a wait of 100 ms at 512 connections, on stock. */
const crowded: NodeTelemetry = { ratePerSecond: 1490, p50Ms: 340, p99Ms: 1211, concurrency: 512 };
/** Measured: a mix at 64 connections, where tuning won nothing. */
const calm: NodeTelemetry = { ratePerSecond: 7960, p50Ms: 6, p99Ms: 32, concurrency: 64 };

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
      { numRuns: 500 },
    );
  });
});
