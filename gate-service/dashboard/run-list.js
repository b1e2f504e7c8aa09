/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/* global document */
/** The list of runs. */
import { get } from './api.js';
import { el, mark, nameOf, when } from './element.js';
import { refresh } from './refresh.js';

const verdictOf = (run) =>
  run.decision ? mark(run.decision) : el('span', { class: 'mark open' }, `… ${run.phase}`);

/** Draws the newest runs and keeps them fresh until `signal` aborts. */
export async function showRuns(page, line, signal) {
  const draw = () => drawRuns(page, signal);
  await draw();
  await refresh(draw, line, signal);
}

async function drawRuns(page, signal) {
  const { items, nextCursor } = await get('/v1/runs?limit=50', signal);
  if (signal.aborted) return;
  document.title = 'Runs – Speed Gate';
  page.replaceChildren(
    el('h1', {}, 'Runs'),
    items.length === 0
      ? el(
          'p',
          {},
          'There is no run yet. A pipeline starts one with ',
          el('code', {}, 'speedGate(…)'),
          '.',
        )
      : el(
          'ul',
          { class: 'runs' },
          items.map((run) =>
            el(
              'li',
              {},
              verdictOf(run),
              el('a', { href: `#/runs/${run.id}` }, nameOf(run)),
              el('span', { class: 'quiet' }, when(run.createdAt)),
              run.summary ? el('span', { class: 'summary' }, run.summary) : undefined,
            ),
          ),
        ),
    nextCursor ? el('p', { class: 'quiet' }, 'Only the newest 50 are shown.') : '',
  );
}
