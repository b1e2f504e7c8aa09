import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSampleApplication } from '../../resources/components/sample-application.ts';
import { inParallel } from '../../gate-service/src/platforms/local/in-parallel.ts';
import { loadComponents, sampleFlavours } from '../../gate-service/src/settings/components.ts';
import type { SampleFlavour } from '../../gate-service/src/settings/components.ts';
import { startJetty } from '../support/jetty.ts';
import type { BareJetty } from '../support/jetty.ts';
import { TIMER_TICK_MS } from '../support/timers.ts';

const components = loadComponents();
const ids = Array.from({ length: 600 }, (_, i) => String(i));

interface Answer {
  readonly status: number;
  readonly version?: string;
  readonly waitMs?: number;
  /** From the request to the end of its answer. */
  readonly ms: number;
}

async function ask(jetty: BareJetty, pathAndQuery: string, init?: RequestInit): Promise<Answer> {
  const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS);
  const begun = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${jetty.url}${pathAndQuery}`, { ...init, signal });
    text = await response.text();
  } catch (error) {
    throw new Error(`${pathAndQuery} was not answered. Jetty's log: ${jetty.log()}`, {
      cause: error,
    });
  }
  const ms = performance.now() - begun;
  const { status } = response;
  return { ...(text.startsWith('{') ? (JSON.parse(text) as object) : {}), status, ms };
}

const ANSWER_DEADLINE_MS = 60_000;

/** Fewer connections at once than Jetty lets wait to be accepted, which is 50. */
const AT_ONCE = 48;

async function askAll(jetty: BareJetty, kind: string): Promise<readonly Answer[]> {
  const answers = new Map<string, Answer>();
  await inParallel(ids, AT_ONCE, undefined, async (id) => {
    answers.set(id, await ask(jetty, `/${kind}?id=${id}`));
  });
  return ids.map((id) => answers.get(id)!);
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(q * values.length)] ?? Number.NaN;
}

/** A fourth of the requests at once: no application that holds a thread per request keeps up. */
const FEW_THREADS = ['jetty.threadPool.minThreads=12', 'jetty.threadPool.maxThreads=12'];

describe('the builds of the sample application', () => {
  const running = new Map<SampleFlavour, BareJetty>();
  const jetty = (flavour: SampleFlavour) => running.get(flavour)!;

  beforeAll(async () => {
    // One after the other: a start is bound by the processor.
    for (const flavour of sampleFlavours) {
      running.set(flavour, await startJetty(components.wars[flavour].path, FEW_THREADS));
    }
  });
  afterAll(async () => {
    await Promise.all([...running.values()].map((each) => each.stop()));
  });

  it('tell their version and health', async () => {
    for (const flavour of ['1.0', '1.1', '1.2', '1.3'] as const) {
      expect(await ask(jetty(flavour), '/health')).toMatchObject({ status: 200, version: flavour });
    }
  });

  it('wait lognormally around 40 ms, by the id alone: the same in 1.0, 1.1 and every kind', async () => {
    const waits = (await askAll(jetty('1.0'), 'cart')).map((answer) => answer.waitMs!);
    const other = (await askAll(jetty('1.1'), 'order')).map((answer) => answer.waitMs!);
    expect(other).toEqual(waits);
    // The median of 600 draws has a standard error of 2.6 %; the draws never change.
    expect(quantile(waits, 0.5)).toBeGreaterThan(36);
    expect(quantile(waits, 0.5)).toBeLessThan(44);
    const spread = Math.log(quantile(waits, 0.8413) / quantile(waits, 0.1587)) / 2;
    expect(spread).toBeGreaterThan(0.42);
    expect(spread).toBeLessThan(0.58);
  });

  it('really wait as long as they say', async () => {
    const start = performance.now();
    const { waitMs } = await ask(jetty('1.0'), '/order?id=7', { method: 'POST', body: 'x' });
    expect(performance.now() - start).toBeGreaterThan(waitMs! - TIMER_TICK_MS);
  });

  it('wait 25 % longer in 1.2, request by request', async () => {
    const [before, after] = await Promise.all([
      askAll(jetty('1.0'), 'search'),
      askAll(jetty('1.2'), 'search'),
    ]);
    for (const [i, { waitMs }] of after.entries()) {
      expect(waitMs! / before[i]!.waitMs!).toBeCloseTo(1.25, 2);
    }
  });

  it('fail about 2 % of the searches in 1.3, the same each time, and nothing else', async () => {
    const failing = async (kind: string) =>
      (await askAll(jetty('1.3'), kind)).flatMap(({ status }, i) => (status === 500 ? [i] : []));
    const searches = await failing('search');
    expect(searches.length / ids.length).toBeGreaterThan(0.005);
    expect(searches.length / ids.length).toBeLessThan(0.04);
    expect(await failing('search')).toEqual(searches);
    expect(await failing('cart')).toEqual([]);
    expect(await failing('order')).toEqual([]);
  });

  it('answer requests side by side without a thread for each', async () => {
    // Four times as many at once as there are threads: whoever held one would have the next three wait for it.
    const answers = await askAll(jetty('1.0'), 'cart');
    const added = answers.map(({ ms, waitMs }) => ms - waitMs!);
    const waits = answers.map(({ waitMs }) => waitMs!);
    expect(quantile(added, 0.5)).toBeLessThan(quantile(waits, 0.5));
  });

  it('refuse what they do not know', async () => {
    const one = jetty('1.0');
    expect((await ask(one, '/cart')).status).toBe(400);
    expect((await ask(one, '/cart?id=%22%7D')).status).toBe(400);
    expect((await ask(one, '/nothing')).status).toBe(404);
    expect((await ask(one, '/WEB-INF/web.xml')).status).toBe(404);
    expect((await ask(one, '/cart?id=1', { method: 'POST' })).status).toBe(405);
  });

  it('are broken where they are meant to be', async () => {
    for (const place of ['/health', '/cart?id=1', '/']) {
      expect((await ask(jetty('broken-500'), place)).status).toBe(500);
      expect((await ask(jetty('broken-start'), place)).status).toBe(503);
    }
    expect(jetty('broken-start').log()).toContain('broken on purpose');
  });
});

it('gives the same bytes when it is built again', async () => {
  const cache = mkdtempSync(path.join(tmpdir(), 'sample-application-'));
  try {
    const wars = await buildSampleApplication(cache, components.java, components.servletApi.path);
    for (const flavour of sampleFlavours) {
      expect(wars[flavour].sha256).toBe(components.wars[flavour].sha256);
    }
    expect(new Set(Object.values(wars).map((war) => war.sha256)).size).toBe(sampleFlavours.length);
  } finally {
    rmSync(cache, { recursive: true });
  }
});
