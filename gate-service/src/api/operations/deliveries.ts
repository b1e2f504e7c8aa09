/** Webhook messages: what became of them, and one more try for one that was given up. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { DeliveryRecord } from '../../runs/run-store.ts';
import type { AppDependencies } from '../dependencies.ts';
import { actorOf, everyService } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import { idSchema, instantSchema, pageQuerySchema, pageRequest, pageSchema } from '../schemas.ts';

const deliverySchema = z
  .object({
    id: z.string().describe('Sent as `speed-gate-delivery`, the same at every attempt.'),
    endpoint: z.string(),
    type: z.string(),
    subject: z.string().describe('A run, a promotion, an override or a problem.'),
    state: z.enum(['due', 'delivered', 'given-up']),
    createdAt: instantSchema,
    attempts: z.int(),
    nextAt: instantSchema.optional().describe('When it is tried next; absent unless it is due.'),
    lastAnswer: z
      .string()
      .optional()
      .describe('What the receiver answered last, or why nothing came.'),
  })
  .meta({ id: 'Delivery' });

const right = { right: 'admin', service: everyService } as const;

/** `GET /v1/deliveries` and `POST /v1/deliveries/:id/retry`. */
export function deliveryRoutes({
  now = () => new Date(),
  store,
}: Pick<AppDependencies, 'now' | 'store'>): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/deliveries',
      {
        config: right,
        schema: {
          tags: ['operations'],
          summary: 'Messages to webhook endpoints, newest first',
          querystring: pageQuerySchema.extend({
            endpoint: z.string().max(40).optional(),
            state: z.enum(['due', 'delivered', 'given-up']).optional(),
            subject: z.string().max(100).optional(),
          }),
          response: { 200: pageSchema(deliverySchema) },
        },
      },
      async (request) => {
        const { endpoint, state, subject } = request.query;
        const { items, nextCursor } = await store.deliveries(
          {
            ...(endpoint !== undefined && { endpoint }),
            ...(state !== undefined && { state }),
            ...(subject !== undefined && { subject }),
          },
          pageRequest(request.query),
        );
        return { items: items.map(viewOf), ...(nextCursor !== undefined && { nextCursor }) };
      },
    );

    app.post(
      '/v1/deliveries/:id/retry',
      {
        config: right,
        schema: {
          tags: ['operations'],
          summary: 'Makes a message that was given up due again',
          params: z.object({ id: idSchema }),
          response: { 202: deliverySchema },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { items } = await store.deliveries({ id }, { limit: 1 });
        const [delivery] = items;
        if (delivery === undefined) {
          throw new ProblemError(404, 'unknown-delivery', `there is no delivery ${id}`);
        }
        if (delivery.state !== 'given-up') {
          throw new ProblemError(
            409,
            'not-given-up',
            `delivery ${id} is ${delivery.state}: only one that was given up can be tried again`,
          );
        }
        const at = now().toISOString();
        const again: DeliveryRecord = { ...delivery, state: 'due', attempts: 0, nextAt: at };
        await store.appendAudit({
          at,
          actor: actorOf(request),
          action: 'delivery.retry',
          subject: id,
          data: { endpoint: delivery.endpoint, type: delivery.type, about: delivery.subject },
        });
        await store.saveDelivery(again);
        return reply.code(202).send(viewOf(again));
      },
    );
    done();
  };
}

/** Without the body: it may name the hook of a waiting job. */
function viewOf(delivery: DeliveryRecord): z.infer<typeof deliverySchema> {
  const { attempts, createdAt, endpoint, id, lastAnswer, nextAt, state, subject, type } = delivery;
  return {
    ...{ id, endpoint, type, subject, state, createdAt, attempts },
    ...(state === 'due' && { nextAt }),
    ...(lastAnswer !== undefined && { lastAnswer }),
  };
}
