/** Services: what runs where, what was in force, and the button back. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ServiceView } from '../../runs/run-service.ts';
import type { AppDependencies } from '../dependencies.ts';
import { actorOf } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import { promotionSchema, promotionView } from '../promotions/schemas.ts';
import { runSchema, withoutInfinities } from '../runs/schemas.ts';
import {
  instantSchema,
  pageQuerySchema,
  pageRequest,
  pageSchema,
  reasonSchema,
  serviceNameSchema,
  sha256Schema,
} from '../schemas.ts';

const inForceSchema = z
  .object({
    build: z.string(),
    configurationHash: z.string(),
    armId: z.string(),
    since: instantSchema,
    promotionId: z.string(),
  })
  .meta({ id: 'InForce' });

const referenceSchema = z
  .object({ build: z.string(), actor: z.string(), reason: z.string(), at: instantSchema })
  .describe('What runs with `against: reference` compare with.')
  .meta({ id: 'Reference' });

const referenceOrderSchema = z.strictObject({ build: sha256Schema, reason: reasonSchema });

const serviceSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    inForce: inForceSchema
      .optional()
      .describe('What production runs; absent before the first promotion.'),
    lastKnownGood: inForceSchema.optional().describe('Where the button back leads.'),
    reference: referenceSchema.optional(),
    latestRun: runSchema.optional(),
    promotion: promotionSchema.optional().describe('The one that is under way.'),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Service' });

const promotionOrderSchema = z.strictObject({
  build: sha256Schema,
  configuration: sha256Schema.describe('Hash of the stack configuration.'),
  reason: reasonSchema,
});

const parameters = z.object({ name: serviceNameSchema });

/** `/v1/services` and below. */
export function serviceRoutes({ runs }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/services',
      {
        config: { right: 'read' },
        schema: {
          tags: ['services'],
          summary: 'All services of the catalogue',
          response: { 200: z.object({ items: z.array(serviceSchema) }) },
        },
      },
      async () => ({ items: (await runs.services()).map(view) }),
    );

    app.get(
      '/v1/services/:name',
      {
        config: { right: 'read' },
        schema: {
          tags: ['services'],
          summary: 'One service',
          params: parameters,
          response: { 200: serviceSchema },
        },
      },
      async (request) => {
        const service = await runs.service(request.params.name);
        if (service === undefined) throw unknownService(request.params.name);
        return view(service);
      },
    );

    app.get(
      '/v1/services/:name/history',
      {
        config: { right: 'read' },
        schema: {
          tags: ['services'],
          summary: 'All that was in force, newest first',
          params: parameters,
          querystring: pageQuerySchema,
          response: { 200: pageSchema(inForceSchema) },
        },
      },
      (request) => runs.history(request.params.name, pageRequest(request.query)),
    );

    app.put(
      '/v1/services/:name/reference',
      {
        config: { right: 'override' },
        schema: {
          tags: ['services'],
          summary: 'Anchor the release that `against: reference` compares with',
          description:
            'An uploaded build. Comparing with it shows what small steps from release to release have added up to; such a run promotes nothing.',
          params: parameters,
          body: referenceOrderSchema,
          response: { 200: referenceSchema },
        },
      },
      (request) => runs.setReference(request.params.name, request.body, actorOf(request)),
    );

    app.post(
      '/v1/services/:name/promotions',
      {
        config: { right: 'promote' },
        schema: {
          tags: ['promotions'],
          summary:
            'Bring a judged build and configuration, or the last known good, into production',
          params: parameters,
          body: promotionOrderSchema,
          response: { 202: promotionSchema },
        },
      },
      async (request, reply) => {
        const promotion = await runs.promote(request.params.name, request.body, actorOf(request));
        return reply
          .code(202)
          .header('location', `/v1/promotions/${promotion.id}`)
          .send(promotionView(promotion));
      },
    );
    done();
  };
}

function unknownService(name: string): ProblemError {
  return new ProblemError(
    404,
    'unknown-service',
    `there is no service ${name} in the catalogue; GET /v1/services lists those there are`,
  );
}

function view(service: ServiceView) {
  return {
    name: service.name,
    description: service.description,
    ...(service.inForce !== undefined && { inForce: service.inForce }),
    ...(service.lastKnownGood !== undefined && { lastKnownGood: service.lastKnownGood }),
    ...(service.reference !== undefined && { reference: service.reference }),
    ...(service.latestRun !== undefined && { latestRun: withoutInfinities(service.latestRun) }),
    ...(service.promotion !== undefined && { promotion: promotionView(service.promotion) }),
    links: {
      self: `/v1/services/${service.name}`,
      history: `/v1/services/${service.name}/history`,
      promotions: `/v1/services/${service.name}/promotions`,
      runs: `/v1/runs?service=${service.name}`,
    },
  };
}
