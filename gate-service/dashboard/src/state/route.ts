/** Where the reader is: paths of the address bar, so that every page can be linked to. */
import { createStore, useStore } from './store.ts';

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const store = createStore<Place>(here());

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Links of earlier versions and of the pipeline step: `/#/runs/ID`. */
function fromHash(): void {
  const path = /^#(\/[\w/-]*)$/.exec(location.hash)?.[1];
  if (path !== undefined) history.replaceState(null, '', path);
}

/** @param address path with query @param replace whether "back" skips the page that is left */
export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  const before = store.get().path;
  store.set(here());
  if (store.get().path !== before) window.scrollTo(0, 0);
}

/** Follows links of this page without loading it again. Call once. */
export function startRouting(): void {
  fromHash();
  store.set(here());
  window.addEventListener('popstate', () => {
    store.set(here());
  });
  window.addEventListener('hashchange', () => {
    fromHash();
    store.set(here());
  });
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const plain =
      event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (link === null || !plain || event.defaultPrevented) return;
    const sameDocument = link.hash !== '' && link.pathname === location.pathname;
    if (link.origin !== location.origin || link.target !== '' || link.download !== '') return;
    if (sameDocument || link.pathname.startsWith('/v1/')) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

export function usePlace(): Place {
  return useStore(store);
}

/** An address with a query; empty values are left out. */
export function addressOf(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given as [string, string][]).toString();
  return text === '' ? path : `${path}?${text}`;
}
