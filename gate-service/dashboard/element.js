/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/* global clearTimeout, document, setTimeout */
/** Building the page: all text goes in as text, never as markup. */

const MARKS = {
  met: ['good', '✓ met'],
  breached: ['bad', '✗ breached'],
  inconclusive: ['open', '? inconclusive'],
  invalid: ['open', '! invalid'],
  pass: ['good', '✓ pass'],
  promote: ['good', '✓ promote'],
  rollback: ['bad', '✗ rollback'],
  held: ['good', '✓ held'],
  skipped: ['open', '↷ skipped'],
  'no-data': ['bad', '✗ no data'],
};

/** An element with attributes and children; strings become text. */
export function el(name, attributes = {}, ...children) {
  const svg = ['svg', 'line', 'circle', 'rect', 'text'].includes(name);
  const node = svg
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return node;
}

export function mark(word) {
  const [kind, text] = MARKS[word] ?? ['open', word];
  return el('span', { class: `mark ${kind}` }, text);
}

export const when = (instant) => new Date(instant).toLocaleString();
export const nameOf = (run) => `${run.service} ${run.label ?? run.build.slice(0, 12)}`;

/** `good`, `bad` or `open`: the class beside the word, never instead of it. */
export const kindOf = (word) => MARKS[word]?.[0] ?? 'open';
export const wordOf = (word) => MARKS[word]?.[1] ?? word;

/** Resolves after `ms`, or at once when `signal` aborts. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
