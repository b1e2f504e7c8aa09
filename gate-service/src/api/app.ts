/** The gate service over HTTP. */
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { auditRoutes } from './audit/routes.ts';
import { buildRoutes } from './builds/routes.ts';
import { readJsonBodies } from './bodies/json-body.ts';
import { refuseNulCharacters } from './bodies/plain-texts.ts';
import { dashboardRoutes } from './dashboard.ts';
import type { AppDependencies } from './dependencies.ts';
import { secureHeaders } from './headers.ts';
import { requireRights } from './identity/authenticate.ts';
import { anonymousOf, guardLoopback } from './identity/insecure-loopback.ts';
import { limitRequests } from './identity/request-limit.ts';
import { identityRoutes, signInOrigins } from './identity/routes.ts';
import { deliveryRoutes } from './operations/deliveries.ts';
import { decorateDraining, healthRoutes } from './operations/health.ts';
import { metricsOf, metricsRoute } from './operations/metrics.ts';
import { describeApi, openApiRoute } from './operations/openapi.ts';
import { handleErrors } from './problems/error-handler.ts';
import { answerClientError, answerFrameworkError, requireHost } from './problems/unreadable.ts';
import { promotionRoutes } from './promotions/routes.ts';
import { documentRoutes } from './runs/document-routes.ts';
import { eventRoutes } from './runs/event-routes.ts';
import { judgementRoutes } from './runs/judgement-routes.ts';
import { runRoutes } from './runs/routes.ts';
import { serviceRoutes } from './services/routes.ts';

/** Largest body that is not a build, in bytes: a workload with many kinds is far below. */
const BODY_LIMIT = 1024 * 1024;
const DRAIN_MS = 10_000;
/** A build of the largest size over a slow line must get through; a stalled request must end. */
const REQUEST_TIMEOUT_MS = 15 * 60_000;

export type { AppDependencies } from './dependencies.ts';

/**
 * Builds the application, ready to `listen` or `inject`. `app.drain()` makes `/readyz` answer 503;
 * `app.close()` ends event streams and waits for open requests.
 */
export async function buildApp(dependencies: AppDependencies): Promise<FastifyInstance> {
  const { insecureLoopback = false, requestsPerMinute, tokens } = dependencies;
  const app = Fastify({
    ...(dependencies.logger !== undefined && { loggerInstance: dependencies.logger }),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    genReqId: () => randomUUID(),
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
    // Asked for in a hook, which answers with a problem.
    http: { requireHostHeader: false },
  });
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  readJsonBodies(app, dependencies.bodyTimeoutMs);
  refuseNulCharacters(app);
  secureHeaders(app);
  requireHost(app);
  handleErrors(app);
  const isDraining = decorateDraining(app, dependencies.drainMs ?? DRAIN_MS);
  const metrics = metricsOf(dependencies);
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
    metrics.durations.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    done();
  });
  if (insecureLoopback) guardLoopback(app);
  requireRights(app, tokens, insecureLoopback ? { anonymous: anonymousOf } : {});
  if (requestsPerMinute !== undefined) await limitRequests(app, requestsPerMinute);
  await describeApi(app);

  await app.register(healthRoutes(dependencies, isDraining));
  await app.register(metricsRoute(metrics.registry));
  await app.register(deliveryRoutes(dependencies));
  await app.register(identityRoutes({ tokens, anonymous: insecureLoopback }));
  await app.register(buildRoutes(dependencies));
  await app.register(runRoutes(dependencies));
  await app.register(eventRoutes(dependencies));
  await app.register(documentRoutes(dependencies));
  await app.register(judgementRoutes(dependencies));
  await app.register(serviceRoutes(dependencies));
  await app.register(promotionRoutes(dependencies));
  await app.register(auditRoutes(dependencies));
  await app.register(dashboardRoutes({ connect: () => signInOrigins(tokens) }));
  openApiRoute(app);
  await app.ready();
  return app;
}
