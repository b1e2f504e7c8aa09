/** What was: in force, decided, measured over time; and which configuration came of it. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import { serviceInPath } from '../identity/authenticate.ts';
import { withoutInfinities } from '../runs/schemas.ts';
import { pageQuerySchema, pageRequest, pageSchema, serviceNameSchema } from '../schemas.ts';
import {
  configurationViewSchema,
  decisionViewSchema,
  inForceSchema,
  trendPointSchema,
} from './schemas.ts';

const parameters = z.object({ name: serviceNameSchema });
const config = { right: 'read', service: serviceInPath('name') } as const;

/** `GET /v1/services/:name/{history,decisions,trend,configuration}`. */
export function pastRoutes({ runs }: AppDependencies): FastifyPluginCallbackZod {
  const described = (summary: string) => ({ tags: ['services'], summary, params: parameters });
  return (app, _options, done) => {
    app.get(
      '/v1/services/:name/history',
      {
        config,
        schema: {
          ...described('All that was in force, newest first'),
          querystring: pageQuerySchema,
          response: { 200: pageSchema(inForceSchema) },
        },
      },
      (request) => runs.history(request.params.name, pageRequest(request.query)),
    );

    app.get(
      '/v1/services/:name/decisions',
      {
        config,
        schema: {
          ...described('Finished runs in short, newest first'),
          querystring: pageQuerySchema,
          response: { 200: pageSchema(decisionViewSchema) },
        },
      },
      (request) => runs.decisions(request.params.name, pageRequest(request.query)),
    );

    app.get(
      '/v1/services/:name/trend',
      {
        config,
        schema: {
          ...described('Effects that the last finished runs measured, newest first'),
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(500).default(100),
          }),
          response: { 200: z.object({ items: z.array(trendPointSchema).readonly() }) },
        },
      },
      async (request) => ({
        items: withoutInfinities(await runs.trend(request.params.name, request.query.limit)),
      }),
    );

    app.get(
      '/v1/services/:name/configuration',
      {
        config,
        schema: {
          ...described('The stack configurations in force and last known good'),
          response: { 200: configurationViewSchema },
        },
      },
      (request) => runs.configuration(request.params.name),
    );
    done();
  };
}
