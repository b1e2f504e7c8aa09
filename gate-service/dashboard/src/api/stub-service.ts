/** A service for tests without a browser. */
import { vi } from 'vitest';

interface Stubbed {
  readonly status?: number;
  readonly json?: object;
  readonly text?: string;
}

/** @param answer what is said to a request, by its address and headers */
export function stubService(answer: (url: URL, headers: Headers) => Stubbed): void {
  vi.stubGlobal('fetch', (path: string, { headers = {} }: RequestInit = {}) => {
    const {
      json = {},
      status = 200,
      text,
    } = answer(new URL(path, 'http://gate'), new Headers(headers));
    return Promise.resolve(new Response(text ?? JSON.stringify(json), { status }));
  });
}
