/** Every request is somebody's, and every route says what right it takes: default deny. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';
import { createFailureLimit } from './failure-limit.ts';
import type { IdentitySource, Refusal } from './identity-source.ts';
import { EVERY_SERVICE } from './rights.ts';
import type { Identity, RequiredRight, Right } from './rights.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route with the right that it takes, as `GET /v1/runs`: for the test that walks them all. */
    routeRights: ReadonlyMap<string, RequiredRight>;
  }
  interface FastifyRequest {
    identity: Identity | null;
  }
  interface FastifyContextConfig {
    /** A route without it cannot be registered: nothing is open by oversight. */
    right?: RequiredRight;
    /**
     * The service that the request names in its address, or `*` when it asks for what belongs to none.
     * Undefined: only the handler can tell, which then calls `requireService` or filters.
     */
    service?: (request: FastifyRequest) => string | undefined;
  }
}

export interface RightsOptions {
  /** Who calls without a token; undefined, or absent: nobody does. */
  readonly anonymous?: (request: FastifyRequest) => Identity | undefined;
}

const FAILURES_PER_MINUTE = 30;
const REALM = 'Bearer realm="speed-gate"';

/** Adds the check to every route of the application; call it before any route is registered. */
export function requireRights(
  app: FastifyInstance,
  source: IdentitySource,
  options: RightsOptions = {},
): void {
  const failures = createFailureLimit(FAILURES_PER_MINUTE);
  const routeRights = new Map<string, RequiredRight>();
  app.decorateRequest('identity', null);
  app.decorate('routeRights', routeRights);

  app.addHook('onRoute', (route) => {
    const right = route.config?.right;
    if (right === undefined) {
      throw new Error(
        `route ${String(route.method)} ${route.url} does not say what right it takes`,
      );
    }
    for (const method of [route.method].flat()) routeRights.set(`${method} ${route.url}`, right);
  });

  app.addHook('onRequest', async (request, reply) => {
    const { right, service } = request.routeOptions.config;
    const required = request.is404 ? undefined : right;
    if (required === 'public' || (request.is404 && !request.url.startsWith('/v1'))) return;
    const identity = await identify(request, reply);
    request.identity = identity;
    nameCaller(request, identity);
    if (required === undefined || required === 'any') return;
    requireRight(identity, required, service?.(request));
  });

  async function identify(request: FastifyRequest, reply: FastifyReply): Promise<Identity> {
    const token = bearerToken(request);
    if (token === undefined) {
      // Half a header is a mistake, and no wish to be anonymous.
      const somebody =
        request.headers.authorization === undefined ? options.anonymous?.(request) : undefined;
      if (somebody !== undefined) return somebody;
      void reply.header('www-authenticate', REALM);
      throw new ProblemError(
        401,
        'unauthorized',
        'a token is needed: send it as `Authorization: Bearer TOKEN`',
      );
    }
    const recognition = await source.recognise(token);
    if (recognition !== undefined && 'identity' in recognition) return recognition.identity;
    const refusal = recognition?.refusal ?? UNKNOWN_TOKEN;
    request.log.info({ code: refusal.code, address: request.ip }, refusal.detail);
    if (refusal.code === 'identity-unavailable') {
      if (refusal.retryAfterSeconds !== undefined) {
        void reply.header('retry-after', refusal.retryAfterSeconds);
      }
      throw new ProblemError(503, refusal.code, refusal.detail);
    }
    // Who held a token once is not guessing.
    const wait = refusal.code === 'expired' ? 0 : failures.fail(request.ip, Date.now());
    if (wait > 0) {
      void reply.header('retry-after', wait);
      throw new ProblemError(
        429,
        'too-many-failures',
        'too many wrong tokens came from this address: wait, and check the token',
      );
    }
    void reply.header('www-authenticate', `${REALM}, error="invalid_token"`);
    throw new ProblemError(401, refusal.code, refusal.detail);
  }
}

const UNKNOWN_TOKEN: Refusal = {
  code: 'unauthorized',
  detail:
    'the token is not known here: check it, or have its SHA-256 added to the identities file of the service',
};

/** Name of the caller, for records. */
export function actorOf(request: FastifyRequest): string {
  return identityOf(request).name;
}

/** The caller. Only for routes that are not public. */
export function identityOf(request: FastifyRequest): Identity {
  if (request.identity === null) throw new Error('a route that asks who calls cannot be public');
  return request.identity;
}

/**
 * For handlers that learn the service from a body or a record.
 * @throws ProblemError 403 when the caller does not have the right for the service
 */
export function requireService(request: FastifyRequest, right: Right, service: string): void {
  requireRight(identityOf(request), right, service);
}

/** Services that the caller has the right for: names, or `*` for all. Lists hold nothing else. */
export function servicesOf(request: FastifyRequest, right: Right): '*' | readonly string[] {
  const identity = identityOf(request);
  if (identity.can(right, EVERY_SERVICE)) return EVERY_SERVICE;
  return identity.can(right) ? (identity.rights[right] ?? []) : [];
}

/** For `config.service` of a route with the service's name in its path. */
export function serviceInPath(parameter: string): (request: FastifyRequest) => string | undefined {
  return (request) => text(request.params, parameter);
}

/** For `config.service` of a list with a filter: without one the handler filters by `servicesOf`. */
export function serviceInQuery(parameter: string): (request: FastifyRequest) => string | undefined {
  return (request) => text(request.query, parameter);
}

/** For `config.service` of what belongs to no service: the right is needed for all. */
export function everyService(): string {
  return EVERY_SERVICE;
}

/** The line of the log that says how the request ended says whose it was. */
function nameCaller({ log }: FastifyRequest, { name }: Identity): void {
  const { setBindings } = log as { setBindings?: (this: unknown, bindings: object) => void };
  setBindings?.call(log, { caller: name });
}

function text(values: unknown, name: string): string | undefined {
  const value = (values as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}

function requireRight(identity: Identity, right: Right, service: string | undefined): void {
  if (identity.can(right, service)) return;
  const where = service === undefined || !identity.can(right) ? '' : ` for ${scope(service)}`;
  throw new ProblemError(
    403,
    'forbidden',
    `${identity.name} does not have the right \`${right}\`${where}, which this needs`,
  );
}

function scope(service: string): string {
  return service === EVERY_SERVICE ? 'all services' : `the service ${service}`;
}

function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
}
