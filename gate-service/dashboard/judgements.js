/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/** A run's samples judged again: what others asked for, and a form to ask. Decides nothing. */
import { ask, get } from './api.js';
import { el, mark, when } from './element.js';
import { thresholdList } from './outcomes.js';

/** The section; `draw` brings its list up to date and leaves what is being typed alone. */
export function judgedAgain(id, thresholds, signal) {
  const path = `/v1/runs/${id}/judgements`;
  const list = el('div');
  let drawn;
  const draw = async () => {
    const { items } = await get(path, signal);
    // Judgements never change: what somebody has opened stays open until there is a new one.
    if (items.length === drawn) return;
    drawn = items.length;
    list.replaceChildren(listOf(items.filter(({ rejudges }) => rejudges)));
  };
  const section = el(
    'section',
    {},
    el('h2', {}, 'Judged again'),
    el(
      'p',
      { class: 'quiet' },
      'The stored samples under other thresholds. The decision stays as it was, and nothing becomes promotable by it.',
    ),
    list,
    formOf(path, thresholds, signal, draw),
  );
  return { section, draw };
}

function listOf(items) {
  if (items.length === 0) return el('p', {}, 'Nobody has asked for it yet.');
  return el(
    'ul',
    { class: 'judgements' },
    items.map((one) =>
      el(
        'li',
        {},
        el(
          'details',
          {},
          el(
            'summary',
            {},
            mark(one.judgement.decision),
            ` ${one.judgement.cause} – ${one.thresholds.join(', ')} `,
            el('span', { class: 'quiet' }, `${one.by}, ${when(one.at)}`),
          ),
          el('p', {}, one.judgement.summary),
          thresholdList(one.judgement.outcomes),
          el(
            'ul',
            {},
            one.judgement.controls.map((control) =>
              el('li', {}, `${control.passed ? '✓' : '✗'} ${control.control}: ${control.sentence}`),
            ),
          ),
          el(
            'p',
            { class: 'quiet' },
            `${one.judgement.windows.counted} windows count, ${one.judgement.windows.dropped} do not; seed ${one.options.seed}; controls ${one.options.requireSender ? 'required' : 'optional'}.`,
          ),
        ),
      ),
    ),
  );
}

function formOf(path, thresholds, signal, draw) {
  const text = el('textarea', { id: 'thresholds', rows: Math.max(2, thresholds.length) });
  text.value = thresholds.join('\n');
  const optional = el('input', { id: 'optional', type: 'checkbox' });
  const button = el('button', {}, 'Judge again');
  const answer = el('p', { role: 'status', class: 'answer' });
  const judge = async () => {
    button.disabled = true;
    answer.textContent = 'judging …';
    try {
      const body = JSON.stringify({
        thresholds: text.value
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
        controls: optional.checked ? 'optional' : 'required',
      });
      const headers = { 'content-type': 'application/json' };
      const { judgement } = await (
        await ask(path, { method: 'POST', body, headers, signal })
      ).json();
      answer.textContent = `${judgement.decision} (${judgement.cause}): ${judgement.summary}`;
      await draw();
    } catch (error) {
      if (!signal.aborted) answer.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  };
  return el(
    'form',
    {
      onsubmit: (event) => {
        event.preventDefault();
        void judge();
      },
    },
    el('p', {}, el('label', { for: 'thresholds' }, 'Thresholds, one a line')),
    el('p', {}, text),
    el(
      'p',
      {},
      el('label', { for: 'optional' }, optional, ' controls that are missing may be missing'),
    ),
    el('p', {}, button),
    answer,
  );
}
