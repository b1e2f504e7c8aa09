/** Whether the service is alive, and whether it should be sent requests. */
import type { FastifyInstance } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import { ProblemError } from '../problems/problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** From now on `/readyz` answers 503, so that no new request is sent here; open ones go on. */
    drain: () => void;
  }
}

const DATABASE_TIMEOUT_MS = 1_000;
const statusSchema = z.object({ status: z.string() });

/**
 * Adds `drain()`; closing drains too. Returns the question whether it was called.
 * @param drainMs requests that are still open so long after closing began are cut off
 */
export function decorateDraining(app: FastifyInstance, drainMs: number): () => boolean {
  let draining = false;
  app.decorate('drain', () => {
    draining = true;
  });
  let deadline: NodeJS.Timeout | undefined;
  app.addHook('preClose', (done) => {
    draining = true;
    deadline = setTimeout(() => {
      app.server.closeAllConnections();
    }, drainMs);
    done();
  });
  app.addHook('onClose', (_app, done) => {
    clearTimeout(deadline);
    done();
  });
  return () => draining;
}

/** `/healthz` (asks nothing) and `/readyz` (asks the database). */
export function healthRoutes(
  { store }: AppDependencies,
  isDraining: () => boolean,
): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/healthz',
      {
        config: { right: 'public' },
        schema: {
          tags: ['operations'],
          summary: 'Whether the process answers',
          security: [],
          response: { 200: statusSchema },
        },
      },
      () => ({ status: 'alive' }),
    );
    app.get(
      '/readyz',
      {
        config: { right: 'public' },
        schema: {
          tags: ['operations'],
          summary: 'Whether requests should be sent here',
          security: [],
          response: { 200: statusSchema },
        },
      },
      async (request) => {
        if (isDraining()) {
          throw new ProblemError(503, 'draining', 'the service is shutting down: ask again later');
        }
        try {
          await store.ping(DATABASE_TIMEOUT_MS);
        } catch (error) {
          request.log.error({ err: error }, 'the database does not answer');
          throw new ProblemError(503, 'database-unavailable', 'the database does not answer');
        }
        return { status: 'ready' };
      },
    );
    done();
  };
}
