/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/* global addEventListener, document, location */
/** First dashboard: the runs, and one run live. Talks to the API only. */
import { token } from './api.js';
import { el } from './element.js';
import { showRuns } from './run-list.js';
import { showRun } from './run-page.js';

const page = document.getElementById('page');
const line = document.getElementById('line');
const signOut = document.getElementById('sign-out');
/** Ends what the page before was doing. */
let leave = new AbortController();

function showSignIn(message) {
  const input = el('input', { id: 'token', type: 'password', autocomplete: 'off', required: '' });
  document.title = 'Sign in – Speed Gate';
  page.replaceChildren(
    el('h1', {}, 'Sign in'),
    message ? el('p', { class: 'problem', role: 'alert' }, message) : '',
    el(
      'form',
      {
        onsubmit: (event) => {
          event.preventDefault();
          token.set(input.value.trim());
          void show();
        },
      },
      el(
        'p',
        {},
        el(
          'label',
          { for: 'token' },
          'A token with the right to read. It is kept in this tab only.',
        ),
      ),
      el('p', {}, input, ' ', el('button', {}, 'Sign in')),
    ),
  );
  input.focus();
}

async function show() {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  line.textContent = '';
  signOut.hidden = !token.get();
  if (!token.get()) {
    showSignIn();
    return;
  }
  const run = /^#\/runs\/([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  try {
    await (run ? showRun(run, page, line, signal) : showRuns(page, line, signal));
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) {
      token.forget();
      signOut.hidden = true;
      showSignIn(error.message);
      return;
    }
    page.replaceChildren(
      el('p', { class: 'problem', role: 'alert' }, error.message),
      el(
        'p',
        {},
        el('button', { type: 'button', onclick: show }, 'Try again'),
        ' ',
        el('a', { href: '#/' }, 'All runs'),
      ),
    );
  }
}

signOut.addEventListener('click', () => {
  token.forget();
  void show();
});
addEventListener('hashchange', () => {
  void show();
  page.focus();
});
void show();
