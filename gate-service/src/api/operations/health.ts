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
/** Probes of many callers may share one address; a 429 would have a service restarted that only has much to do. */
const PROBED = { right: 'public', rateLimit: false } as const;
const aliveSchema = z.object({ status: z.string() });
const readySchema = z.object({
  status: z.string(),
  checks: z
    .array(
      z.object({
        name: z.enum(['store', 'driver']),
        status: z.string().describe('`ok`; of the driver also `standby` and `waiting`.'),
        detail: z.string(),
      }),
    )
    .readonly(),
});

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

/** `/healthz` (asks nothing) and `/readyz` (asks the database, and whether some replica drives). */
export function healthRoutes(
  { runs, store }: Pick<AppDependencies, 'runs' | 'store'>,
  isDraining: () => boolean,
): FastifyPluginCallbackZod {
  const driver = driverCheck(runs);
  return (app, _options, done) => {
    app.get(
      '/healthz',
      {
        config: PROBED,
        schema: {
          tags: ['operations'],
          summary: 'Whether the process answers',
          security: [],
          response: { 200: aliveSchema },
        },
      },
      () => ({ status: 'alive' }),
    );
    app.get(
      '/readyz',
      {
        config: PROBED,
        schema: {
          tags: ['operations'],
          summary: 'Whether requests should be sent here',
          security: [],
          response: { 200: readySchema },
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
        return {
          status: 'ready',
          checks: [
            { name: 'store' as const, status: 'ok', detail: 'the database answers' },
            driver(),
          ],
        };
      },
    );
    done();
  };
}

/**
 * A replica that stands by is ready: it serves everything and stores orders for the driver. Only before the
 * first driver is known nothing is: a new version that cannot start its platform must not take over.
 * Later one may be missing for a while: orders wait then, and answers are as good as before.
 */
function driverCheck(runs: Pick<AppDependencies['runs'], 'driving'>) {
  let known = false;
  return () => {
    const { here, holder } = runs.driving();
    known ||= here || holder !== undefined;
    if (!known) {
      throw new ProblemError(
        503,
        'no-driver',
        'no replica drives runs yet: the platform is being started, or cannot be (the log says why)',
      );
    }
    const name = 'driver' as const;
    if (here) return { name, status: 'ok', detail: 'this replica drives runs and promotions' };
    if (holder === undefined) {
      return { name, status: 'waiting', detail: 'no replica drives at the moment: runs wait' };
    }
    return { name, status: 'standby', detail: 'another replica drives runs and promotions' };
  };
}
