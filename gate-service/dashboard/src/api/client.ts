/** Asks the gate service; what goes wrong comes back as a {@link Problem} in words. */
import { Problem, problemOf } from './problem.ts';
import { token } from './token.ts';

const UNREACHABLE =
  'The gate service cannot be reached. Is it running, and is this machine on its network?';

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Told of every 401, so that the page can ask to sign in again. */
let unauthorized: (problem: Problem) => void = () => undefined;
export function onUnauthorized(listener: (problem: Problem) => void): void {
  unauthorized = listener;
}

/** @throws Problem, or the signal's reason when it was aborted */
export async function ask(path: string, asked: Asked = {}): Promise<Response> {
  const { body, headers, method = 'GET', signal } = asked;
  const own = token.get();
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...(own !== null && { authorization: `Bearer ${own}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Problem(0, UNREACHABLE);
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401) unauthorized(problem);
  throw problem;
}

export interface Answer<T> {
  readonly body: T;
  /** For `if-match`; absent when the answer has none. */
  readonly etag?: string;
}

/** @throws Problem */
export async function get<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  const answer = await ask(path, {
    headers: { accept: 'application/json' },
    ...(signal !== undefined && { signal }),
  });
  const etag = answer.headers.get('etag');
  const body = (await answer.json()) as T;
  signal?.throwIfAborted();
  return { body, ...(etag !== null && { etag }) };
}

/** Sends an order. @param etag of what was shown when it was given: a later state is refused (412) @throws Problem */
export async function send<T>(path: string, body: unknown, etag?: string): Promise<T> {
  const answer = await ask(path, {
    method: 'POST',
    body,
    ...(etag !== undefined && { headers: { 'if-match': etag } }),
  });
  return (await answer.json()) as T;
}

export async function put<T>(path: string, body: unknown): Promise<T> {
  return (await (await ask(path, { method: 'PUT', body })).json()) as T;
}

/** Saves a document: a link could not send the token. @throws Problem */
export async function download(path: string, name: string): Promise<void> {
  const content = await (await ask(path)).blob();
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
}
