/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/* global fetch, sessionStorage */
/** Asks the API; what goes wrong comes back as words. */

const TOKEN = 'speed-gate-token';

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (text) => {
    sessionStorage.setItem(TOKEN, text);
  },
  forget: () => {
    sessionStorage.removeItem(TOKEN);
  },
};

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function ask(path, { signal, ...options } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options,
      signal,
      headers: { authorization: `Bearer ${token.get()}`, ...options.headers },
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(
      0,
      'The gate service cannot be reached. Is it running, and is this machine on its network?',
    );
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, problem.detail ?? `The gate service answered ${answer.status}.`);
}

export async function get(path, signal) {
  const body = await (await ask(path, { signal })).json();
  signal?.throwIfAborted();
  return body;
}

/** Reads the event stream with the token in a header, which EventSource cannot send. */
export async function follow(id, after, signal, onEvent) {
  const answer = await ask(`/v1/runs/${id}/events`, {
    signal,
    headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
  });
  if (answer.status === 204) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined && /^id: /m.test(block)) await onEvent(JSON.parse(data));
    }
  }
}
