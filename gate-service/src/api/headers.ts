/** Headers that keep a browser from doing with our answers what we did not mean. */
import type { FastifyInstance } from 'fastify';

/**
 * The dashboard's: everything from here, nothing inline, framed by nobody.
 * @param connect origins that the page may reach besides its own: those of an issuer of identities
 */
export function pagePolicy(connect: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Sets the headers on every answer; a route may set a policy of its own. */
export function secureHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers({
      'content-security-policy': DATA_POLICY,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'cache-control': 'no-store',
    });
    done();
  });
}
