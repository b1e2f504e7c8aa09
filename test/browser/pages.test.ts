/** Every page on stored runs: for everybody, on every screen, with nothing said by colour alone. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectNoSidewaysScroll,
  launchChromium,
  openPage,
  PHONE,
  seriousFindings,
  shoot,
} from './chromium.ts';
import type { Opened } from './chromium.ts';
import { RUNS, Seed } from './seed.ts';
import { openStoredGate, TOKENS } from './stored-gate.ts';
import type { StoredGate } from './stored-gate.ts';

let browser: Browser;
let gate: StoredGate;

beforeAll(async () => {
  [browser, gate] = await Promise.all([launchChromium(), openStoredGate()]);
  await new Seed(gate.store, gate.directory).all();
});
afterAll(async () => {
  await browser.close();
  await gate.close();
});

/** Page, and what is on it once it has everything. */
const PAGES = [
  ['services', '/', '.sparkline'],
  ['service', '/services/checkout', '.history li'],
  ['runs', '/runs', '.runs li'],
  ['run', `/runs/${RUNS.breached}`, '.events li'],
  ['run-passed', `/runs/${RUNS.passed}`, '.events li'],
  ['run-overridden', `/runs/${RUNS.overridden}`, '.overrides li'],
  ['run-tuned', `/runs/${RUNS.tuned}`, '.tuning li'],
  ['run-live', `/runs/${RUNS.measuring}`, '.legend'],
  ['queue', '/queue', '.runs li'],
  ['audit', '/audit', '.audit li'],
  ['unknown', '/runs/there/is/none', 'main h1'],
] as const;

async function open(
  path: string,
  wait: string,
  options: Partial<Parameters<typeof openPage>[1]> = {},
): Promise<Opened> {
  const opened = await openPage(browser, { url: gate.url + path, token: TOKENS.ada, ...options });
  await opened.page.waitForSelector(wait);
  return opened;
}

describe.each(PAGES)('the page %s', (name, path, wait) => {
  it('keeps nobody out in light and dark, fits a phone, and does not jump', async () => {
    const { close, complaints, page } = await open(path, wait, { colorScheme: 'light' });
    expect(await layoutShift(page)).toBeLessThan(GOOD_SHIFT);
    expect(await seriousFindings(page)).toEqual([]);
    await shoot(page, `${name}-light`, true);

    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await seriousFindings(page)).toEqual([]);
    await shoot(page, `${name}-dark`, true);

    await page.setViewportSize(PHONE);
    await expectNoSidewaysScroll(page);
    expect(await seriousFindings(page)).toEqual([]);
    await shoot(page, `${name}-phone`, true);
    expect(complaints).toEqual([]);
    await close();
  });
});

/** What is commonly called good. */
const GOOD_SHIFT = 0.1;

/** By how much the page has moved under the reader since it began to load: the sum of Chromium's layout shifts. */
const layoutShift = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            sum += (entry as PerformanceEntry & { value: number }).value;
          }
        }).observe({ type: 'layout-shift', buffered: true });
        requestAnimationFrame(() => {
          setTimeout(() => {
            resolve(sum);
          }, 100);
        });
      }),
  );

describe('what is shown', () => {
  it('says the latest verdict of each service, what runs, and what nobody has gated yet', async () => {
    const { close, page } = await open('/', '.sparkline');
    const checkout = page.locator('.service', { hasText: 'The shop’s checkout' });
    const [now, before] = await checkout.locator('.verdict-line').allInnerTexts();
    expect(now).toMatch(/measuring\s+2\.13/);
    expect(before).toMatch(/Before it:\s+✓\s*pass\s+met\s+2\.12/);
    expect(await checkout.innerText()).toMatch(/In production: 2\.9 since/);
    const payments = page.locator('.service', { hasText: 'Takes the money' });
    expect(await payments.innerText()).toContain('Nothing was gated yet');
    await close();
  });

  it('draws effect, interval and limit of a threshold to scale', async () => {
    const { close, page } = await open(`/runs/${RUNS.breached}`, 'svg.interval');
    const row = page.locator('.threshold-row', { hasText: 'p95 <= baseline + 15%' }).first();
    const place = await row.evaluate((element) => {
      const middle = (selector: string): number => {
        const { left, width } = element.querySelector(selector)!.getBoundingClientRect();
        return left + width / 2;
      };
      return { zero: middle('.zero'), limit: middle('.limit'), effect: middle('circle') };
    });
    // 21.3 % against a limit of 15 %, both from zero.
    expect((place.effect - place.zero) / (place.limit - place.zero)).toBeCloseTo(0.213 / 0.15, 1);
    expect(await row.locator('svg.interval').getAttribute('aria-label')).toBe(
      'Effect +21.3 %, between +18.0 % and +24.6 % with 95 % confidence; limit +15.0 %; smallest effect this could show +4.6 %; baseline 48.2 ms, candidate 58.5 ms.',
    );
    await close();
  });

  it('says who overrode what, and that the decision stays', async () => {
    const { close, page } = await open(`/runs/${RUNS.overridden}`, '.overrides li');
    expect(await page.locator('.verdict').innerText()).toContain('rollback');
    const order = await page.locator('.overrides').innerText();
    expect(order).toContain('grace ordered promote');
    expect(order).toContain('The decision stays as it was');
    expect(await page.locator('.overrides .weights li').count()).toBe(5);
    await close();
  });

  it('draws the windows of a finished run from its stored samples', async () => {
    const { close, page } = await open(`/runs/${RUNS.passed}`, '.events li');
    await page.getByRole('button', { name: 'Draw it from the samples' }).click();
    await page.getByRole('button', { name: 'p99' }).click();
    await page.waitForSelector('#latency + *, .latency canvas');
    expect(await page.locator('.latency .legend').innerText()).toMatch(/candidate p99\s+\d/);
    await close();
  });

  it('says where the time of the requests of an attempt went', async () => {
    const { close, page } = await open(`/runs/${RUNS.breached}`, '.hops');
    const rows = await page.locator('.hops tbody tr').allInnerTexts();
    expect(rows.map((row) => row.split(/\s+/))).toEqual([
      ['baseline', '0.92', '0.41', '40.98', '42.31'],
      ['candidate', '0.95', '0.42', '49.69', '51.06'],
    ]);
    await close();
  });

  it('filters the events', async () => {
    const { close, page } = await open(`/runs/${RUNS.breached}`, '.events li');
    await page.getByLabel('Kind').selectOption('decision');
    expect(await page.locator('.events li').count()).toBe(1);
    await page.getByLabel('Words').fill('no such words');
    expect(await page.getByText('No event fits.').isVisible()).toBe(true);
    await close();
  });

  it('shows no form to whoever may only read', async () => {
    const { close, page } = await open(`/runs/${RUNS.passed}`, '.events li', {
      token: TOKENS.reader,
    });
    expect(await page.locator('.orders button').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Judge again' }).count()).toBe(0);
    await page.goto(`${gate.url}/services/checkout`);
    await page.waitForSelector('.build-name');
    expect(await page.getByRole('button', { name: /Go back/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    await close();
  });

  it('leads old links to the same run', async () => {
    const { close, page } = await open(`/#/runs/${RUNS.breached}`, '.verdict');
    expect(new URL(page.url()).pathname).toBe(`/runs/${RUNS.breached}`);
    await close();
  });

  it('says what is wrong and what to do where there is no such run', async () => {
    const { close, page } = await open('/runs/nobody-knows-it', '[role=alert]');
    expect(await page.locator('[role=alert]').innerText()).toContain('no run nobody-knows-it');
    await close();
  });

  it('puts older runs of one filter never under another', async () => {
    const { close, page } = await open('/runs', '.runs li');
    const asked = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    await page.route(/\/v1\/runs\?/, async (route) => {
      const url = new URL(route.request().url());
      const isOlder = url.searchParams.has('cursor');
      url.searchParams.delete('cursor');
      const cause = url.searchParams.get('cause') ?? 'any';
      const { items } = (await (await route.fetch({ url: url.href })).json()) as {
        items: readonly object[];
      };
      if (isOlder && cause === 'any') {
        asked.resolve(undefined);
        await held.promise;
      }
      const older = [{ ...items[0], id: `older-${cause}`, label: `older-of-${cause}` }];
      // What was asked for and is no longer wanted has nobody who takes it.
      await route
        .fulfill({ json: isOlder ? { items: older } : { items, nextCursor: 'more' } })
        .catch(() => undefined);
    });
    await page.reload();
    const more = page.getByRole('button', { name: 'Show older ones' });
    await more.click();
    await asked.promise;
    await page.getByLabel('Cause').selectOption('breached');
    held.resolve(undefined);
    await more.click();
    await page.getByText('older-of-breached').waitFor();
    expect(await page.getByText('older-of-any').count()).toBe(0);
    await close();
  });

  it('keeps what it knows when the service goes away, and says so', async () => {
    const { close, page } = await open('/queue', '.runs li');
    await page.route('**/v1/queue', (route) => route.abort());
    await page.getByText('cannot be reached').waitFor();
    expect(await page.locator('.runs li').count()).toBeGreaterThan(0);
    await close();
  });
});

describe('the tuning of a run', () => {
  it('is a trajectory with intervals, reasons and margins, and no word by colour alone', async () => {
    const { close, page } = await open(`/runs/${RUNS.tuned}`, '.tuning li');
    const section = page.locator('section', { has: page.locator('#tuning') });
    expect(await section.innerText()).toMatch(/✓\s*confirmed/);
    const [first = '', second = ''] = await section.locator('.tuning > li').allInnerTexts();
    expect(first).toMatch(/memory of former runs\s+✗\s*unsafe/);
    expect(first).toMatch(/Why\s+It was adopted in a former session/);
    expect(first).toMatch(/Measured\s+too little to compare/);
    expect(first).toContain('errors 2.10 %, limit 0.10 %: broken');
    expect(second).toMatch(/expert rules\s+✓\s*adopted/);
    expect(second).toContain('places 150 → 300');
    expect(second).toMatch(/Measured\s+p95 −3.4 % \(−5.1 % … −1.7 %\) in 8 windows/);
    expect(first).toContain('places 150 → 640 (90 % of what is expected)');
    expect(await section.getByText('Left to a person').count()).toBe(1);
    expect(await section.innerText()).toContain('mesh.requestTimeout 4000 instead of 15000');
    const words = await section.locator('svg.interval').last().getAttribute('aria-label');
    expect(words).toContain('measured −3.4 % between −5.1 % and −1.7 %');
    await close();
  });
});
