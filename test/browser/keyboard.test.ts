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

/** Begins to watch: where the focus is in the moment in which a dialog leaves the page, before the next frame. */
const watchDialogs = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const left: string[] = [];
    Object.assign(window, { focusAsDialogsLeft: left });
    new MutationObserver((records) => {
      const gone = records.flatMap(({ removedNodes }) => [...removedNodes]);
      if (!gone.some((node) => node instanceof HTMLDialogElement)) return;
      const own = document.activeElement;
      left.push(own instanceof HTMLButtonElement ? own.innerText : String(own?.tagName));
    }).observe(document.body, { childList: true, subtree: true });
  });

const focusAsDialogsLeft = (page: Page): Promise<readonly string[]> =>
  page.evaluate(
    () => (window as unknown as { focusAsDialogsLeft: readonly string[] }).focusAsDialogsLeft,
  );

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

  await watchDialogs(page);
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
  expect(await focusAsDialogsLeft(page)).toEqual([expect.stringMatching(/Go back to/)]);
  expect(await focused(page)).toMatchObject({
    name: expect.stringMatching(/Go back to/) as string,
    within: 'button',
  });

  // Also by somebody quick: the next key comes with nothing in between.
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
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

it('lets nobody leave an order that is being sent, and says what became of it', async () => {
  const { close, page } = await openPage(browser, {
    url: `${gate.url}/runs/${RUNS.passed}`,
    token: TOKENS.ada,
  });
  const sent = Promise.withResolvers<undefined>();
  const held = Promise.withResolvers<undefined>();
  await page.route('**/v1/services/checkout/promotions', async (route) => {
    sent.resolve(undefined);
    await held.promise;
    await route.fulfill({ status: 503, json: { detail: 'the store is away' } });
  });
  await page.getByRole('button', { name: 'Promote …' }).click();
  await page.getByLabel(/Reason/).fill('Customers wait for what is in it.');
  await page.getByRole('button', { name: 'Promote 2.12' }).click();
  await sent.promise;
  // The browser asks the page at the first Escape, and closes the dialog by itself at the second.
  for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press('Escape');
  held.resolve(undefined);
  await page.getByRole('dialog').getByText('The store is away.').waitFor();
  expect(await page.getByLabel(/Reason/).inputValue()).toBe('Customers wait for what is in it.');
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
