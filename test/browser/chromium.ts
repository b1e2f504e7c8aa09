/** A real Chromium, and what a test holds every page against. */
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { loadComponents } from '../../gate-service/src/settings/components.ts';

export const DESKTOP = { width: 1280, height: 900 } as const;
export const PHONE = { width: 360, height: 740 } as const;

/** @throws Error saying what to do when the set-up has brought no browser */
export async function launchChromium(): Promise<Browser> {
  const found = loadComponents().chromium;
  if (found === undefined) {
    throw new Error('There is no Chromium: run "npm test", whose set-up installs it.');
  }
  // As root Chromium refuses its sandbox; only this test's own pages are opened.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: found.path, args: [...sandbox, '--disable-gpu'] });
}

export interface Opened {
  readonly page: Page;
  /** What the browser complained about: errors of scripts, and what the page's policy forbade. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
}

/** A new page; with a token as if somebody had signed in with it. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions & { readonly token?: string; readonly url: string },
): Promise<Opened> {
  const { token, url, ...rest } = options;
  const context = await browser.newContext({
    viewport: DESKTOP,
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    ...rest,
  });
  if (token !== undefined) {
    await context.addInitScript((text) => {
      if (sessionStorage.getItem('seen') !== null) return;
      sessionStorage.setItem('seen', 'yes');
      sessionStorage.setItem('speed-gate-token', text);
    }, token);
  }
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // A refused request is said on the page; that the browser logs it too is no fault.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}

/** Findings of axe that keep people out: `serious` and `critical`, each with where it is. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate(
    () =>
      (
        window as unknown as { axe: { run: () => Promise<unknown> } }
      ).axe.run() as Promise<AxeResults>,
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** Nothing is wider than the window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > width + 1,
    );
    return {
      scroll: document.documentElement.scrollWidth - width,
      wide: wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 160)),
    };
  });
  expect(found.scroll, found.wide.join('\n')).toBeLessThanOrEqual(0);
}

/** What the documentation shows. */
const DOCUMENTED: readonly string[] = [
  ...['services-light', 'services-phone', 'service-light', 'run-light', 'run-live-dark'],
  ...['run-phone', 'override', 'audit-light'],
];

/** Shots for the documentation, only when somebody asks for them: the tree stays as it is otherwise. */
export async function shoot(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env.SPEED_GATE_SCREENSHOTS;
  if (folder === undefined || folder === '' || !DOCUMENTED.includes(name)) return;
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
}
