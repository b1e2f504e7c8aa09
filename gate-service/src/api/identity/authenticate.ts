/** Every request is somebody's, and every route says what right it takes: default deny. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';
import { createFailureLimit } from './failure-limit.ts';
import type { Identity } from './rights.ts';
import type { TokenBook } from './token-book.ts';

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | null;
  }
}

const FAILURES_PER_MINUTE = 30;
const REALM = 'Bearer realm="speed-gate"';

/** Adds the check to every route of the application; call it before any route is registered. */
export function requireRights(app: FastifyInstance, tokens: TokenBook): void {
  const failures = createFailureLimit(FAILURES_PER_MINUTE);
  app.decorateRequest('identity', null);

  app.addHook('onRoute', (route) => {
    if (route.config?.right === undefined) {
      throw new Error(
        `route ${String(route.method)} ${route.url} does not say what right it takes`,
      );
    }
  });

  app.addHook('onRequest', (request, reply, done) => {
    const required = request.is404 ? undefined : request.routeOptions.config.right;
    if (required === 'public' || (request.is404 && !request.url.startsWith('/v1'))) {
      done();
      return;
    }
    const token = bearerToken(request);
    const identity = token === undefined ? undefined : tokens.identify(token);
    if (identity === undefined) {
      const wait = token === undefined ? 0 : failures.fail(request.ip, Date.now());
      if (wait > 0) {
        void reply.header('retry-after', wait);
        done(
          new ProblemError(
            429,
            'too-many-failures',
            'too many wrong tokens came from this address: wait, and check the token',
          ),
        );
        return;
      }
      void reply.header('www-authenticate', REALM);
      done(
        new ProblemError(
          401,
          'unauthorized',
          token === undefined
            ? 'a token is needed: send it as `Authorization: Bearer TOKEN`'
            : 'the token is not known here: check it, or have its SHA-256 added to the tokens file of the service',
        ),
      );
      return;
    }
    request.identity = identity;
    if (required !== undefined && !identity.rights.has(required)) {
      done(
        new ProblemError(
          403,
          'forbidden',
          `the token of ${identity.name} does not have the right \`${required}\`, which this needs`,
        ),
      );
      return;
    }
    done();
  });
}

/** Name of the caller, for records. */
export function actorOf(request: FastifyRequest): string {
  if (request.identity === null)
    throw new Error('a route that records who called cannot be public');
  return request.identity.name;
}

function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
}
