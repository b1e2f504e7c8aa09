/** Windows that were spoilt, by the sender's fitness alone, are replaced; the judge looks by windows that count. */
import { beforeEach, describe, expect, it } from 'vitest';
import { replacementsFor } from './compared.ts';
import { FakeGate, FakeWorld } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
});

const gateOf = (windows: number): FakeGate => new FakeGate(world, { profile: { windows } });

describe('the number of replacements', () => {
  it('never lets more than 30 % of all windows be dropped, and is as large as that allows', () => {
    for (let windows = 1; windows <= 200; windows += 1) {
      const most = replacementsFor(windows);
      expect(most / (windows + most)).toBeLessThanOrEqual(0.3 + 1e-3);
      expect(most).toBeGreaterThanOrEqual(Math.floor(0.42 * windows));
    }
  });
});

describe('spoilt windows', () => {
  it('are replaced one for one, so that as many count as were planned', async () => {
    world.sender.spoilt = (window) => window === 1 || window === 9;
    const run = await gateOf(10).gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass' });
    const [measurement] = await world.store.measurements(run.id);
    expect(measurement).toMatchObject({
      windowsPlanned: 10,
      windowsMeasured: 12,
      windowsCounted: 10,
    });
    const planted = [...world.sender.files.values()][0]!.samples.find(
      ({ arm }) => arm === 'planted',
    );
    expect(planted?.window).toBe(10 + replacementsFor(10));
    await expectWorldInOrder(world);
  });

  it('are replaced up to the limit', async () => {
    world.sender.spoilt = (window) => window >= 0 && window < 4;
    const run = await gateOf(10).gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass' });
    const [measurement] = await world.store.measurements(run.id);
    expect(measurement).toMatchObject({ windowsMeasured: 14, windowsCounted: 10 });
  });

  it('end the attempt at once when more are spoilt than may be replaced', async () => {
    world.sender.spoilt = (window) => window >= 0;
    world.judge.causes = ['invalid', 'invalid'];
    const run = await gateOf(10).gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    const measurements = await world.store.measurements(run.id);
    expect(measurements).toHaveLength(2);
    for (const measurement of measurements) {
      expect(measurement).toMatchObject({ windowsMeasured: 5, windowsCounted: 0 });
    }
    const lines = (await world.store.events(run.id, 0, 1000)).map(({ message }) => message);
    expect(lines.filter((line) => line.startsWith('given up'))).toEqual([
      'given up: 5 of 5 windows are spoilt, more than may be replaced (4)',
      'given up: 5 of 5 windows are spoilt, more than may be replaced (4)',
    ]);
  });

  it('do not bring a look forward: it comes when so many windows count', async () => {
    world.judge.interim = 'met';
    world.sender.spoilt = (window) => window < 2;
    const run = await gateOf(10).gate({ promote: 'never' });
    const [measurement] = await world.store.measurements(run.id);
    expect(measurement).toMatchObject({ stoppedAt: 5, windowsMeasured: 7, windowsCounted: 5 });
    const [judgement] = await world.store.judgements(run.id);
    expect(judgement?.options).toMatchObject({ look: 5 });
  });

  it('are told: how many count, how many do not', async () => {
    world.sender.spoilt = (window) => window === 1;
    const run = await gateOf(10).gate({ promote: 'never' });
    const lines = (await world.store.events(run.id, 0, 1000)).map(({ message }) => message);
    expect(lines.join('\n')).toMatch(/\d of 10 windows count, 1 spoilt/);
  });

  it('are drawn with the others: every window of the comparison, with three quantiles for each arm', async () => {
    world.sender.spoilt = (window) => window === 1;
    const run = await gateOf(10).gate({ promote: 'never' });
    const drawn = (await world.store.events(run.id, 0, 1000)).flatMap(
      ({ data }) =>
        (data.latencies ?? []) as { quantiles: Record<string, Record<string, number>> }[],
    );
    expect(drawn.length).toBeGreaterThan(1);
    expect(drawn.length).toBeLessThanOrEqual(11);
    for (const { quantiles } of drawn) {
      expect(Object.keys(quantiles).sort()).toEqual(['baseline', 'candidate']);
      const { p50, p95, p99 } = quantiles.candidate!;
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50!);
      expect(p99).toBeGreaterThanOrEqual(p95!);
    }
  });

  it('make the last look the last one, also when too few count', async () => {
    world.sender.spoilt = (window) => window >= 5;
    const run = await gateOf(10).gate({ promote: 'never' });
    const [judgement] = await world.store.judgements(run.id);
    expect(judgement?.options).toMatchObject({ look: 10 });
  });
});
