/**
 * Access without a token, for a look on one's own machine (`speed-gate serve --insecure-loopback`). Whoever
 * reaches the loopback interface gets in; web pages that the browser of this machine shows must not.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopbackAddress, isLoopbackHost } from '../../settings/loopback.ts';
import { ProblemError } from '../problems/problem.ts';
import { createIdentity, everywhere } from './rights.ts';
import type { Identity } from './rights.ts';

/** Says in every answer how the service is run. */
export const INSECURE_HEADER = 'speed-gate-insecure';

/** By any of them a proxy says that it hands on somebody's request. */
const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

/** What must stand beside a name in the records, or weakens the gate, still takes a token. */
const anonymous: Identity = createIdentity(
  'anonymous',
  'anonymous',
  everywhere(['read', 'run', 'promote']),
);

/** The caller of a request without a token; undefined when it comes from elsewhere. */
export function anonymousOf(request: FastifyRequest): Identity | undefined {
  return isLoopbackAddress(request.socket.remoteAddress ?? '') ? anonymous : undefined;
}

/**
 * Refuses what a foreign web page can make a browser send here: by a name of its own that it points to this
 * machine (DNS rebinding), or as a request across origins. A proxy that says of itself that it hands on others'
 * requests is refused too; one that says nothing cannot be told from a user of this machine.
 */
export function guardLoopback(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header(INSECURE_HEADER, 'loopback');
    const problem = foreign(request);
    done(problem);
  });
}

function foreign(request: FastifyRequest): ProblemError | undefined {
  const { headers } = request;
  const host = headers.host ?? '';
  const url = URL.parse(`http://${host}`);
  if (url === null || !isLoopbackHost(url.hostname)) {
    return new ProblemError(
      421,
      'foreign-host',
      'this service runs with --insecure-loopback: address it as localhost or 127.0.0.1',
    );
  }
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) {
    return new ProblemError(
      403,
      'forwarded',
      'this service runs with --insecure-loopback: it takes no requests that a proxy hands on',
    );
  }
  const origin = headers.origin;
  const site = headers['sec-fetch-site'];
  const across =
    (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation(request));
  if (!across) return undefined;
  return new ProblemError(
    403,
    'foreign-origin',
    'this service runs with --insecure-loopback: other web pages cannot call it',
  );
}

/** Following a link to the dashboard shows it, and does nothing. */
function isNavigation({ headers, method }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && headers['sec-fetch-mode'] === 'navigate';
}
