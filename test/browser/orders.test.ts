/** What people order through the page reaches the service as they were told, and nothing else does. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, openPage, seriousFindings, shoot } from './chromium.ts';
import { RUNS, Seed } from './seed.ts';
import type { Seeded } from './seed.ts';
import { openStoredGate, TOKENS } from './stored-gate.ts';
import type { StoredGate } from './stored-gate.ts';

let browser: Browser;
let gate: StoredGate;
let seeded: Seeded;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  gate = await openStoredGate();
  seeded = await new Seed(gate.store, gate.directory).all();
  return () => gate.close();
});

const REASON = 'The shop loses orders without it; agreed with the team.';

const opened = (path: string) => openPage(browser, { url: gate.url + path, token: TOKENS.ada });
const dialog = (page: Page) => page.getByRole('dialog');

async function promotionsOf(service: string) {
  return (await gate.store.promotions({ service }, { limit: 20 })).items;
}

describe('an override', () => {
  it('is explained, given with a reason and an end, and stands beside the decision', async () => {
    const { close, complaints, page } = await opened(`/runs/${RUNS.breached}`);
    await page.getByRole('button', { name: /Override: promote/ }).click();
    const words = await dialog(page).innerText();
    expect(words).toContain(
      'checkout 2.11 goes into production although the run ended as breached',
    );
    expect(words).toContain('You will be named in the audit as ada');
    expect(words).toContain('The decision stays “rollback (breached)”');
    expect(await seriousFindings(page)).toEqual([]);
    await shoot(page, 'override');

    const send = dialog(page).getByRole('button', { name: 'Promote 2.11 all the same' });
    await dialog(page)
      .getByLabel(/Reason/)
      .fill('too short');
    expect(await send.isDisabled()).toBe(true);
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    await dialog(page).getByLabel('It may begin to act within').selectOption('8 hours');
    await send.click();
    await page.locator('.overrides li').waitFor();

    const override = await gate.store.override(RUNS.breached);
    expect(override).toMatchObject({ order: 'promote', actor: 'ada', reason: REASON });
    const hours = (Date.parse(override!.expiresAt) - Date.parse(override!.at)) / 3_600_000;
    expect(hours).toBeCloseTo(8, 1);
    expect((await gate.store.run(RUNS.breached))?.decision).toBe('rollback');
    expect(await page.locator('.verdict').innerText()).toContain('rollback');
    expect(complaints).toEqual([]);
    await close();
  });

  it('is refused when the run has changed since it was read, and says so', async () => {
    const { close, page } = await opened(`/runs/${RUNS.breached}`);
    await page.getByRole('button', { name: /Override: promote/ }).click();
    const at = new Date();
    await gate.store.saveOverride({
      id: 'quicker',
      runId: RUNS.breached,
      order: 'rollback',
      actor: 'grace',
      reason: 'Nobody shall promote this one.',
      at: at.toISOString(),
      expiresAt: new Date(at.getTime() + 3_600_000).toISOString(),
      state: 'stands',
    });
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    await dialog(page).getByRole('button', { name: 'Promote 2.11 all the same' }).click();
    expect(await dialog(page).getByRole('alert').innerText()).toMatch(/has changed since/);
    expect(await gate.store.overrides(RUNS.breached)).toHaveLength(1);
    await close();
  });
});

describe('a promotion', () => {
  it('brings exactly the judged build and configuration of a pass', async () => {
    const { close, page } = await opened(`/runs/${RUNS.passed}`);
    await page.getByRole('button', { name: 'Promote …' }).click();
    expect(await dialog(page).innerText()).toContain('1 → 5 → 25 → 50 → 100 %');
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    await dialog(page).getByRole('button', { name: 'Promote 2.12' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    const run = await gate.store.run(RUNS.passed);
    expect((await promotionsOf('checkout'))[0]).toMatchObject({
      build: run!.build,
      configurationHash: run!.configuration!.hash,
      actor: 'ada',
      reason: REASON,
      stage: 'queued',
    });
    await close();
  });
});

describe('the button back', () => {
  it('orders the last known good, and cannot be pressed twice', async () => {
    const { close, page } = await opened('/services/checkout');
    await page.getByRole('button', { name: /Go back to 2\.7/ }).click();
    const words = await dialog(page).innerText();
    expect(words).toContain('goes from 2.9 back to 2.7');
    await shoot(page, 'restore');
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    await dialog(page).getByRole('button', { name: 'Restore 2.7' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect((await promotionsOf('checkout'))[0]).toMatchObject({
      build: seeded.lastKnownGood.build,
      origin: 'restore',
      actor: 'ada',
    });
    await page.getByText('A promotion is under way').waitFor();
    expect(await page.getByRole('button', { name: /Go back to 2\.7/ }).isDisabled()).toBe(true);
    await close();
  });
});

describe('what production runs', () => {
  const restored = async () => {
    const { inForce, lastKnownGood, version } = await gate.store.serviceState('checkout');
    await gate.store.saveServiceState('checkout', version, {
      // As a restore leaves it: the last known good stays what it was.
      inForce: { ...lastKnownGood!, promotionId: inForce!.promotionId },
      lastKnownGood: lastKnownGood!,
    });
  };

  it('is no place to go back to when it is the last known good', async () => {
    await restored();
    const { close, page } = await opened('/services/checkout');
    await page.getByText('Production runs the last known good.').waitFor();
    expect(await page.getByRole('button', { name: /Go back/ }).count()).toBe(0);
    await close();
  });

  it('is frozen in an open dialog, and an order is refused when it has changed since', async () => {
    const { close, page } = await opened('/services/checkout');
    await page.getByRole('button', { name: /Go back to 2\.7/ }).click();
    expect(await dialog(page).innerText()).toContain('is no place to go back to afterwards');
    await restored();
    await page.getByText('Production runs the last known good.').waitFor({ state: 'attached' });
    expect(await dialog(page).innerText()).toContain('goes from 2.9 back to 2.7');
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    await dialog(page).getByRole('button', { name: 'Restore 2.7' }).click();
    expect(await dialog(page).getByRole('alert').innerText()).toContain('has changed since');
    expect((await promotionsOf('checkout')).filter(({ origin }) => origin === 'restore')).toEqual(
      [],
    );
    await close();
  });

  it('is not anchored when it has changed since the dialog was opened', async () => {
    const { close, page } = await opened('/services/checkout');
    await page.getByRole('button', { name: 'Anchor what runs now …' }).click();
    await restored();
    await page.getByText('Production runs the last known good.').waitFor({ state: 'attached' });
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    await dialog(page).getByRole('button', { name: 'Anchor 2.9' }).click();
    expect(await dialog(page).getByRole('alert').innerText()).toContain('has changed since');
    expect((await gate.store.reference('checkout'))?.build).toBe(seeded.lastKnownGood.build);
    await close();
  });

  it('must be known before anything is ordered that it bears on', async () => {
    const { close, page } = await opened(`/runs/${RUNS.overridden}`);
    await page.route('**/v1/services/checkout', (route) =>
      route.fulfill({ status: 503, body: JSON.stringify({ detail: 'the store is away' }) }),
    );
    await page.getByRole('button', { name: /Override: promote/ }).click();
    await dialog(page).getByRole('alert').waitFor();
    expect(await dialog(page).innerText()).toContain('The store is away.');
    expect(await dialog(page).innerText()).toContain('What production runs now is not known');
    await dialog(page)
      .getByLabel(/Reason/)
      .fill(REASON);
    const send = dialog(page).getByRole('button', { name: /all the same/ });
    expect(await send.isDisabled()).toBe(true);
    await dialog(page)
      .getByLabel(/Reason/)
      .press('Control+Enter');
    await page.unroute('**/v1/services/checkout');
    await dialog(page).getByRole('button', { name: 'Try again' }).click();
    await dialog(page).getByText('What production runs now,').waitFor();
    expect(await send.isDisabled()).toBe(false);
    expect(await gate.store.overrides(RUNS.overridden)).toHaveLength(1);
    await close();
  });
});

describe('other orders', () => {
  it('cancels a run that is under way', async () => {
    const { close, page } = await opened(`/runs/${RUNS.measuring}`);
    await page.getByRole('button', { name: 'Cancel …' }).click();
    await dialog(page).getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByText('ada cancels it').waitFor();
    expect((await gate.store.run(RUNS.measuring))?.cancel?.actor).toBe('ada');
    expect(await page.getByRole('button', { name: 'Cancel …' }).count()).toBe(0);
    await close();
  });

  it('judges stored samples again, and says when thresholds are wrong', async () => {
    const { close, page } = await opened(`/runs/${RUNS.passed}`);
    const thresholds = page.getByLabel('Thresholds, one a line');
    await thresholds.fill('p50 <= baselin + 1%');
    await page.getByRole('button', { name: 'Judge again' }).click();
    await page.getByRole('alert').waitFor();
    await thresholds.fill('p50 <= baseline + 50%');
    await page.getByLabel('Controls that are missing may be missing').check();
    await page.getByRole('button', { name: 'Judge again' }).click();
    await page.locator('.judgements > li').waitFor();
    expect(await page.locator('.judgements').innerText()).toContain('p50 <= baseline + 50%');
    await close();
  });
});
