/** `GET /v1/queue`: what is measured now, and what waits for its turn. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { runPhaseSchema } from '../../runs/run.ts';
import type { AppDependencies } from '../dependencies.ts';
import { identityOf } from '../identity/authenticate.ts';
import { idSchema, instantSchema } from '../schemas.ts';
import { queuePlaceSchema } from './schemas.ts';

export const queueEntrySchema = z
  .object({
    id: idSchema,
    service: z.string(),
    build: z.string(),
    label: z.string().optional(),
    requestedBy: z.string(),
    createdAt: instantSchema,
    phase: runPhaseSchema,
    earlierRuns: z.int(),
    queue: queuePlaceSchema.optional(),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'QueueEntry' });

export function queueRoutes({ runs }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/queue',
      {
        config: { right: 'read' },
        schema: {
          tags: ['runs'],
          summary: 'Runs that are under way or queued, in the order of their turn',
          description:
            'One measurement at a time: `queue.ahead` counts runs of all services, the list holds those of services that the caller may read.',
          response: { 200: z.object({ items: z.array(queueEntrySchema) }) },
        },
      },
      async (request) => {
        const identity = identityOf(request);
        const entries = await runs.queue();
        return {
          items: entries
            .filter(({ service }) => identity.can('read', service))
            .map((entry) => ({ ...entry, links: { self: `/v1/runs/${entry.id}` } })),
        };
      },
    );
    done();
  };
}
