/** A run followed live, over a line that breaks. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium, openPage } from './chromium.ts';
import { openProxy } from './cuttable-proxy.ts';
import type { CuttableProxy } from './cuttable-proxy.ts';
import { RUNS, Seed } from './seed.ts';
import { openStoredGate, TOKENS } from './stored-gate.ts';
import type { StoredGate } from './stored-gate.ts';
import { until } from '../support/processes.ts';

let browser: Browser;
let gate: StoredGate;
let proxy: CuttableProxy;
let seed: Seed;

beforeAll(async () => {
  [browser, gate] = await Promise.all([launchChromium(), openStoredGate()]);
  seed = new Seed(gate.store, gate.directory);
  await seed.all();
  proxy = await openProxy(gate.port);
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
  await gate.close();
});

const PATH = `/runs/${RUNS.measuring}`;

/** The messages on the page, in their order. */
const messages = (page: Page) => page.locator('.events .event-message').allInnerTexts();
const stored = async () => (await gate.store.events(RUNS.measuring, 0, 1000)).map((e) => e.message);

const shows = (page: Page, expected: readonly string[]) =>
  until('the page shows every event', async () =>
    (await messages(page)).length >= expected.length ? true : undefined,
  );

it('says that the line was cut, takes it up again, and loses and doubles no event', async () => {
  const { close, page } = await openPage(browser, { url: proxy.url + PATH, token: TOKENS.ada });
  await page.locator('.line.live').waitFor();
  await shows(page, await stored());
  await seed.progress(14);
  await page.getByText('14 of 24 windows count').last().waitFor();
  const behind: (string | undefined)[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/events')) behind.push(request.headers()['last-event-id']);
  });

  proxy.cut();
  await page.getByText('the line to the service was cut').waitFor();
  await seed.progress(16);
  await seed.progress(18);
  proxy.mend();

  await page.locator('.line.live').waitFor();
  await page.getByText('18 of 24 windows count').last().waitFor();
  // Asked for is only what is not there yet: a long run is not told all over again at each cut.
  const lastTold = (await gate.store.events(RUNS.measuring, 0, 1000)).find(({ message }) =>
    message.includes('14 of 24 windows count'),
  );
  expect(new Set(behind)).toEqual(new Set([String(lastTold?.sequence)]));
  await seed.progress(20);
  await page.getByText('20 of 24 windows count').last().waitFor();
  expect(await messages(page)).toEqual(await stored());
  await close();
});

it('asks nothing while nobody looks, and then has everything', async () => {
  const { close, page } = await openPage(browser, { url: gate.url + PATH, token: TOKENS.ada });
  await page.clock.install();
  await page.reload();
  await page.locator('.line.live').waitFor();
  await shows(page, await stored());
  const asked: string[] = [];
  const hide = (hidden: boolean) =>
    page.evaluate((state) => {
      Object.defineProperty(document, 'hidden', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);

  await hide(true);
  page.on('request', (request) => asked.push(request.url()));
  await seed.progress(22);
  // Longer than the page waits between two questions.
  await page.clock.runFor(11_000);
  expect(asked).toEqual([]);

  await hide(false);
  await page.getByText('22 of 24 windows count').last().waitFor();
  expect(await messages(page)).toEqual(await stored());
  await close();
});

it('says that it was refused, and does not ask for ever', async () => {
  const { close, page } = await openPage(browser, { url: gate.url + PATH, token: TOKENS.ada });
  await page.locator('.line.live').waitFor();
  const asked: string[] = [];
  await page.route('**/events', async (route) => {
    asked.push(route.request().url());
    const detail = 'ada does not have the right `read` any more';
    await route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status: 403, code: 'forbidden', detail }),
    });
  });
  await page.reload();
  await page.locator('.line.refused', { hasText: 'does not have the right' }).waitFor();
  expect(await page.locator('.line').innerText()).not.toContain('tried again');
  expect(asked).toHaveLength(1);
  await close();
});

it('begins again where the service does not know the last event that came', async () => {
  const { close, page } = await openPage(browser, { url: proxy.url + PATH, token: TOKENS.ada });
  await page.locator('.line.live').waitFor();
  await shows(page, await stored());
  const after: (string | undefined)[] = [];
  await page.route('**/events', async (route) => {
    const last = route.request().headers()['last-event-id'];
    after.push(last);
    if (last === '0') {
      await route.continue();
      return;
    }
    const detail = `run ${RUNS.measuring} has no event ${last ?? ''}`;
    await route.fulfill({
      status: 400,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status: 400, code: 'unknown-event', detail }),
    });
  });
  proxy.cut();
  await page.locator('.line.cut').waitFor();
  proxy.mend();
  await page.locator('.line.live').waitFor();
  await shows(page, await stored());
  expect(await messages(page)).toEqual(await stored());
  expect(after.at(-1)).toBe('0');
  await close();
});
