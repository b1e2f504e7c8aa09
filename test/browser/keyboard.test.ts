/** Everything with the keyboard alone, and always seen where one is. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium, openPage } from './chromium.ts';
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

interface Focus {
  readonly name: string;
  readonly visible: boolean;
  readonly within: string;
}

/** What has the focus now. */
const focused = (page: Page): Promise<Focus> =>
  page.evaluate(() => {
    const own = document.activeElement ?? document.body;
    const { outlineStyle, outlineWidth } = getComputedStyle(own);
    const box = own.getBoundingClientRect();
    return {
      name: (own.getAttribute('aria-label') ?? (own as HTMLElement).innerText).trim(),
      visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && box.height > 0,
      within: own.closest('dialog') === null ? own.tagName.toLowerCase() : 'dialog',
    };
  });

/** Presses Tab until something of this name has the focus; whatever had it on the way must have been seen. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const focus = await focused(page);
    if (focus.within !== 'body') expect(focus.visible, `focus on ${focus.name}`).toBe(true);
    if (name.test(focus.name)) return;
  }
  throw new Error(`no way to ${name.source} with Tab`);
}

it('signs in, goes to a service, and orders the way back', async () => {
  const { close, page } = await openPage(browser, { url: gate.url });
  await page.getByLabel('Token').waitFor();
  await tabTo(page, /Skip to the page/);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type(TOKENS.ada);
  await page.keyboard.press('Enter');
  await page.locator('.sparkline').first().waitFor();
  await tabTo(page, /^checkout$/);
  await page.keyboard.press('Enter');
  await page.locator('.build-name').first().waitFor();

  await tabTo(page, /Go back to/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  // The dialog keeps the focus: Tab leads round in it, through the browser's own controls at most.
  for (let presses = 0; presses < 8; presses += 1) {
    await page.keyboard.press('Tab');
    expect(['dialog', 'body']).toContain((await focused(page)).within);
  }
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await focused(page)).name).toMatch(/Go back to/);

  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.getByLabel(/Reason/).focus();
  await page.keyboard.type('Customers cannot pay since the release.');
  await tabTo(page, /^Restore/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const { items } = await gate.store.promotions(
    { service: 'checkout', state: 'running' },
    { limit: 1 },
  );
  expect(items[0]?.origin).toBe('restore');
  await close();
});

it('reaches every part of a run, the list of events for scrolling included', async () => {
  const { close, page } = await openPage(browser, {
    url: `${gate.url}/runs/${RUNS.passed}`,
    token: TOKENS.ada,
  });
  await page.locator('.events li').first().waitFor();
  for (const name of [/Promote/, /Draw it/, /Report/, /Judge again/, /^Events, /]) {
    await tabTo(page, name);
  }
  await close();
});

it('begins each page at its beginning', async () => {
  const { close, page } = await openPage(browser, { url: gate.url, token: TOKENS.ada });
  await page.locator('.sparkline').first().waitFor();
  await page.getByRole('link', { name: 'Queue', exact: true }).click();
  await page.getByRole('heading', { name: 'Queue' }).waitFor();
  expect((await focused(page)).within).toBe('main');
  await page.goBack();
  await page.getByRole('heading', { name: 'Services' }).waitFor();
  await close();
});
