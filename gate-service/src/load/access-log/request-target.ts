/** The request line of a log entry: method, path and query; nothing of who asked. Pure. */

export const REPLAYABLE_METHODS = [
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
] as const;
export type ReplayableMethod = (typeof REPLAYABLE_METHODS)[number];

export interface RequestTarget {
  readonly method: ReplayableMethod;
  /** As it was sent, still percent-encoded; starts with `/`. */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
  /** From an absolute URI, lower case, without user and port. */
  readonly host?: string;
}

const LINE = /^([A-Za-z]+) ([^\s\p{Cc}]+) HTTP\/[0-9](?:\.[0-9])?$/u;
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^]*)$/i;

/**
 * Undefined for what is no HTTP request (TLS or HTTP/2 on a plain port, scanners), for CONNECT, TRACE and
 * unknown methods, and for `*`.
 * @param line first line of the request, unescaped
 */
export function parseRequestLine(line: string): RequestTarget | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, method = '', target = ''] = match;
  if (!isReplayable(method)) return undefined;
  const absolute = ABSOLUTE.exec(target);
  // The fragment is never sent by a client that follows the rules; nothing after it is kept.
  const local = (absolute?.[2] ?? target).split('#', 1)[0] ?? '';
  const rooted = absolute !== null && !local.startsWith('/') ? `/${local}` : local;
  if (!rooted.startsWith('/')) return undefined;
  const question = rooted.indexOf('?');
  const host = absolute === null ? undefined : hostOf(absolute[1] ?? '');
  return {
    method,
    path: question < 0 ? rooted : rooted.slice(0, question),
    query: question < 0 ? '' : rooted.slice(question + 1),
    ...(host === undefined ? {} : { host }),
  };
}

function isReplayable(method: string): method is ReplayableMethod {
  return (REPLAYABLE_METHODS as readonly string[]).includes(method);
}

/** `user:password@host:port` without all but the host. */
function hostOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return host.replace(/:\d*$/, '').toLowerCase();
}
