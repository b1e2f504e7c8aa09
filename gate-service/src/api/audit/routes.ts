import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import { serviceInQuery, servicesOf } from '../identity/authenticate.ts';
import {
  defined,
  instantSchema,
  pageQuerySchema,
  pageRequest,
  pageSchema,
  serviceNameSchema,
} from '../schemas.ts';

export const auditEntrySchema = z
  .object({
    sequence: z.int(),
    at: instantSchema,
    actor: z.string(),
    action: z.string(),
    subject: z.string().describe('A run, a promotion, a build or a service.'),
    service: z.string().optional(),
    reason: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
    previousHash: z.string(),
    hash: z
      .string()
      .describe(
        'SHA-256 over `previousHash` and this entry; `speed-gate audit verify` checks all.',
      ),
  })
  .meta({ id: 'AuditEntry' });

/** `GET /v1/audit`. */
export function auditRoutes({ store }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/audit',
      {
        config: { right: 'admin', service: serviceInQuery('service') },
        schema: {
          tags: ['audit'],
          summary: 'Who did what and why, newest first',
          description:
            'An administrator of some services sees what concerns those; of all, also what concerns none.',
          querystring: pageQuerySchema.extend({
            service: serviceNameSchema.optional(),
            subject: z.string().max(100).optional(),
          }),
          response: { 200: pageSchema(auditEntrySchema) },
        },
      },
      (request) => {
        const { service, subject } = request.query;
        const services = servicesOf(request, 'admin');
        return store.audit(
          { ...defined({ service, subject }), ...(services === '*' ? {} : { services }) },
          pageRequest(request.query),
        );
      },
    );
    done();
  };
}
