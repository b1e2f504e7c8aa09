/** Services: what runs where, what was decided and in force, and the button back. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import { actorOf, identityOf, serviceInPath } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import { promotionSchema, promotionView } from '../promotions/schemas.ts';
import {
  pageQuerySchema,
  pageRequest,
  pageSchema,
  reasonSchema,
  serviceNameSchema,
  sha256Schema,
} from '../schemas.ts';
import { pastRoutes } from './past-routes.ts';
import { jsonSchemaRoutes } from './json-schema-routes.ts';
import { referenceSchema, serviceSchema, serviceView } from './schemas.ts';

const referenceOrderSchema = z.strictObject({ build: sha256Schema, reason: reasonSchema });

const promotionOrderSchema = z.strictObject({
  build: sha256Schema,
  configuration: sha256Schema.describe('Hash of the stack configuration.'),
  reason: reasonSchema,
});

const parameters = z.object({ name: serviceNameSchema });
const service = serviceInPath('name');

/** `/v1/services` and below, and the JSON Schemas of what describes a service. */
export function serviceRoutes(dependencies: AppDependencies): FastifyPluginCallbackZod {
  const { runs } = dependencies;
  return (app, _options, done) => {
    void app.register(pastRoutes(dependencies));
    void app.register(jsonSchemaRoutes());

    app.get(
      '/v1/services',
      {
        config: { right: 'read' },
        schema: {
          tags: ['services'],
          summary: 'All services of the catalogue that the caller may read',
          response: { 200: z.object({ items: z.array(serviceSchema) }) },
        },
      },
      async (request) => {
        const identity = identityOf(request);
        const readable = runs.serviceNames().filter((name) => identity.can('read', name));
        const views = await Promise.all(readable.map((name) => runs.service(name)));
        return { items: views.flatMap((view) => (view === undefined ? [] : [serviceView(view)])) };
      },
    );

    app.get(
      '/v1/services/:name',
      {
        config: { right: 'read', service },
        schema: {
          tags: ['services'],
          summary: 'One service',
          params: parameters,
          response: { 200: serviceSchema },
        },
      },
      async (request) => {
        const found = await runs.service(request.params.name);
        if (found === undefined) throw unknownService(request.params.name);
        return serviceView(found);
      },
    );

    app.put(
      '/v1/services/:name/reference',
      {
        config: { right: 'override', service },
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

    app.get(
      '/v1/services/:name/promotions',
      {
        config: { right: 'read', service },
        schema: {
          tags: ['promotions'],
          summary: 'Promotions of a service, newest first',
          params: parameters,
          querystring: pageQuerySchema,
          response: { 200: pageSchema(promotionSchema) },
        },
      },
      async (request) => {
        const page = await runs.promotions(request.params.name, pageRequest(request.query));
        return { ...page, items: page.items.map(promotionView) };
      },
    );

    app.post(
      '/v1/services/:name/promotions',
      {
        config: { right: 'promote', service },
        schema: {
          tags: ['promotions'],
          summary:
            'Bring a judged build and configuration, or the last known good, into production',
          description:
            'Stored and answered at once; the replica that drives carries it out. An order that could not begin within an hour does nothing. Where the catalogue says `fourEyes`, a pass is promoted by a person, and somebody else than who asked for its run; the last known good by anybody with the right.',
          params: parameters,
          body: promotionOrderSchema,
          response: { 202: promotionSchema },
        },
      },
      async (request, reply) => {
        const { kind, name: actor } = identityOf(request);
        const order = { ...request.body, byPerson: kind === 'person' };
        const promotion = await runs.promote(request.params.name, order, actor);
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
