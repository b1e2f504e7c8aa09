import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import {
  instantSchema,
  pageQuerySchema,
  pageRequest,
  pageSchema,
  serviceNameSchema,
} from '../schemas.ts';

const auditEntrySchema = z
  .object({
    sequence: z.int(),
    at: instantSchema,
    actor: z.string(),
    action: z.string(),
    subject: z.string().describe('A run, a promotion, a build or a service.'),
    service: z.string().optional(),
    reason: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' });

/** `GET /v1/audit`. */
export function auditRoutes({ store }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/audit',
      {
        config: { right: 'admin' },
        schema: {
          tags: ['audit'],
          summary: 'Who did what and why, newest first',
          querystring: pageQuerySchema.extend({
            service: serviceNameSchema.optional(),
            subject: z.string().max(100).optional(),
          }),
          response: { 200: pageSchema(auditEntrySchema) },
        },
      },
      (request) => {
        const { service, subject } = request.query;
        return store.audit(
          {
            ...(service !== undefined && { service }),
            ...(subject !== undefined && { subject }),
          },
          pageRequest(request.query),
        );
      },
    );
    done();
  };
}
