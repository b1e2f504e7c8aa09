/** Signing in by token, and at a real OpenID Connect issuer on loopback. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, openPage, seriousFindings, shoot } from './chromium.ts';
import { openIssuer } from './issuer.ts';
import type { TestIssuer } from './issuer.ts';
import { RUNS, Seed } from './seed.ts';
import { openStoredGate, TOKENS } from './stored-gate.ts';
import type { StoredGate } from './stored-gate.ts';

let browser: Browser;
let issuer: TestIssuer;
let gate: StoredGate;

beforeAll(async () => {
  issuer = await openIssuer();
  [browser, gate] = await Promise.all([launchChromium(), openStoredGate(issuer.source)]);
  await new Seed(gate.store, gate.directory).all();
});
afterAll(async () => {
  await browser.close();
  await gate.close();
  await issuer.close();
});

describe('sign-in by token', () => {
  it('refuses a wrong one in words, takes a right one, and goes on where the reader was', async () => {
    const url = `${gate.url}/runs/${RUNS.breached}`;
    const { close, complaints, page } = await openPage(browser, { url });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await shoot(page, 'sign-in');
    await page.getByLabel('Token').fill('not-the-token-0123456789');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(/token is not known/i);
    await page.getByLabel('Token').fill(TOKENS.ada);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.locator('.verdict').waitFor();
    expect(page.url()).toBe(url);

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('speed-gate-token'))).toBeNull();
    expect(complaints).toEqual([]);
    await close();
  });

  it('is asked for again when the token is not taken any more', async () => {
    const { close, page } = await openPage(browser, { url: gate.url, token: TOKENS.ada });
    await page.locator('.service').first().waitFor();
    await page.evaluate(() => {
      sessionStorage.setItem('speed-gate-token', 'gone-by-now-0123456789');
    });
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(/token is not known/i);
    await close();
  });
});

describe('a service that does not say who this is', () => {
  it.each([
    ['/v1/me', 404],
    ['/v1/me', 500],
    ['/v1/sign-in', 503],
  ])('gives nobody a right: %s with %i', async (path, status) => {
    const url = `${gate.url}/runs/${RUNS.breached}`;
    const { close, page } = await openPage(browser, { url: 'about:blank', token: TOKENS.ada });
    await page.route(`**${path}`, (route) =>
      route.fulfill({ status, body: JSON.stringify({ detail: 'it does not say' }) }),
    );
    await page.goto(url);
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toContain('It does not say.');
    expect(await page.locator('.verdict, .orders, .sign-in, nav').count()).toBe(0);
    await page.unroute(`**${path}`);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.verdict').waitFor();
    await close();
  });
});

describe('sign-in at an issuer', () => {
  it('brings the reader back signed in, with a proof key, state and nonce', async () => {
    const url = `${gate.url}/services/checkout`;
    const { close, complaints, page } = await openPage(browser, { url });
    await page.getByRole('button', { name: /Sign in with/ }).click();
    await page.locator('.build-name').first().waitFor();
    expect(page.url()).toBe(url);
    expect(await page.locator('.who').innerText()).toContain('mary');
    expect(issuer.requests.at(-1)).toMatchObject({
      code_challenge_method: 'S256',
      response_type: 'code',
    });
    expect(complaints).toEqual([]);
    await close();
  });

  it.each([
    ['nonce', /nonce differs/],
    ['state', /does not belong to this sign-in/],
    ['refusal', /did not sign you in: not today/],
  ] as const)('is refused in words when the %s does not fit', async (fault, words) => {
    issuer.fault = fault;
    const { close, page } = await openPage(browser, { url: gate.url });
    await page.getByRole('button', { name: /Sign in with/ }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(words);
    expect(await page.evaluate(() => sessionStorage.getItem('speed-gate-token'))).toBeNull();
    issuer.fault = undefined;
    await close();
  });
});
