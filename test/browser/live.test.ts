/** The whole service with its real platform: a run followed live to its decision, overridden, and taken back. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { components, startGate } from '../support/gate-fixture.ts';
import type { TestGate } from '../support/gate-fixture.ts';
import { until } from '../support/processes.ts';
import { launchChromium, openPage, shoot } from './chromium.ts';

let browser: Browser;
let gate: TestGate;

beforeAll(async () => {
  [browser, gate] = await Promise.all([
    launchChromium(),
    startGate({
      service: {
        promotion: { default: 'manual', stepSeconds: 2, holdSeconds: 2, minimumRequests: 1000 },
      },
    }),
  ]);
});
afterAll(async () => {
  await browser.close();
  await gate.close();
});

const DECISION_MS = 200_000;
const PROMOTION_MS = 120_000;
const REASON = 'Shown to be good enough by hand; the margin was a trial.';

const versionIs = (version: string) =>
  until(
    `production answers with ${version}`,
    async () => ((await gate.productionVersion()) === version ? true : undefined),
    { withinMs: PROMOTION_MS, everyMs: 300 },
  );

it('follows a run to its decision, overrides it, and goes back', { timeout: 600_000 }, async () => {
  const build = await gate.upload('1.2');
  const id = await gate.submit({ build, label: '1.2' });
  const { close, complaints, page } = await openPage(browser, {
    url: `${gate.url}/runs/${id}`,
    token: gate.approverToken,
  });
  await followsToTheDecision(page, id);
  await overrides(page);
  await versionIs('1.2');
  await page.getByText('completed').first().waitFor({ timeout: PROMOTION_MS });
  await shoot(page, 'run-overridden-live', true);

  await page.getByRole('link', { name: 'checkout', exact: true }).click();
  await page.locator('.build-name', { hasText: '1.2' }).waitFor();
  expect((await gate.service()).inForce?.build).toBe(build);
  await goesBack(page);
  await versionIs('1.0');
  await until('the page says what runs now', async () => {
    const now = await page.locator('.now code').first().getAttribute('title');
    return now === components.wars['1.0'].sha256 ? true : undefined;
  });
  expect(complaints).toEqual([]);
  await close();
});

async function followsToTheDecision(page: Page, id: string): Promise<void> {
  await page.locator('.phases .now', { hasText: 'measuring' }).waitFor({ timeout: DECISION_MS });
  await page
    .locator('.legend', { hasText: /candidate p50\s+\d/ })
    .waitFor({ timeout: DECISION_MS });
  await shoot(page, 'run-live-real');
  await page.locator('.verdict.bad, .verdict.good').waitFor({ timeout: DECISION_MS });
  const run = await gate.run(id);
  expect(run.decision).toBe('rollback');
  const verdict = await page.locator('.verdict').innerText();
  expect(verdict).toContain(run.decision);
  expect(verdict).toContain(run.cause);
  expect(verdict).toContain(run.summary);
  const events = await gate.events(id);
  await until('every event is on the page', async () => {
    const shown = await page.locator('.events .event-message').allInnerTexts();
    return shown.length >= events.length ? true : undefined;
  });
  await shoot(page, 'run-decided-real', true);
}

async function overrides(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Override: promote/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/Reason/).fill(REASON);
  await dialog.getByRole('button', { name: 'Promote 1.2 all the same' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.overrides', { hasText: 'ordered promote' }).waitFor();
}

async function goesBack(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Go back to/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/Reason/).fill('It was only to be tried: back to what was there before.');
  await dialog.getByRole('button', { name: /^Restore/ }).click();
  await dialog.waitFor({ state: 'detached' });
}
