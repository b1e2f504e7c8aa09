/** Runs: asked for, followed, cancelled, overridden. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RunView } from '../../runs/run.ts';
import { runRequestSchema } from '../../runs/run.ts';
import type { RunService } from '../../runs/run-service.ts';
import type { AppDependencies } from '../dependencies.ts';
import { actorOf } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import {
  idSchema,
  instantSchema,
  pageQuerySchema,
  pageRequest,
  pageSchema,
  reasonSchema,
  serviceNameSchema,
} from '../schemas.ts';
import { runSchema, withoutInfinities } from './schemas.ts';

const parameters = z.object({ id: idSchema });

const overrideSchema = z.strictObject({
  order: z.enum(['promote', 'rollback']),
  reason: reasonSchema,
  expiresAt: instantSchema.describe('Latest moment at which the override may act.'),
});

const submissionSchema = runSchema
  .extend({ ahead: z.int().describe('Runs before this one, the running one included.') })
  .meta({ id: 'Submission' });

/** `/v1/runs` and what is done to one run; its documents and events are routes of their own. */
export function runRoutes({ runs }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.post(
      '/v1/runs',
      {
        config: { right: 'run' },
        schema: {
          tags: ['runs'],
          summary: 'Ask for a run',
          description:
            'Accepted means queued. With an Idempotency-Key a repeated request answers the run it made the first time. Thresholds and workload may only be stricter than those of the catalogue.',
          headers: z.object({
            'idempotency-key': z.string().min(1).max(255).optional(),
          }),
          body: runRequestSchema,
          response: { 202: submissionSchema },
        },
      },
      async (request, reply) => {
        const submission = await runs.submit(
          request.body,
          actorOf(request),
          request.headers['idempotency-key'],
        );
        if (!submission.created) void reply.header('idempotent-replayed', 'true');
        return reply
          .code(202)
          .header('location', `/v1/runs/${submission.run.id}`)
          .send({ ...withoutInfinities(submission.run), ahead: submission.ahead });
      },
    );

    app.get(
      '/v1/runs',
      {
        config: { right: 'read' },
        schema: {
          tags: ['runs'],
          summary: 'Runs, newest first',
          querystring: pageQuerySchema.extend({ service: serviceNameSchema.optional() }),
          response: { 200: pageSchema(runSchema) },
        },
      },
      async (request) => {
        const { service } = request.query;
        const filter = service === undefined ? {} : { service };
        const page = await runs.list(filter, pageRequest(request.query));
        return { ...page, items: page.items.map(withoutInfinities) };
      },
    );

    app.get(
      '/v1/runs/:id',
      {
        config: { right: 'read' },
        schema: {
          tags: ['runs'],
          summary: 'One run',
          params: parameters,
          response: { 200: runSchema },
        },
      },
      async (request) => withoutInfinities(await existingRun(runs, request.params.id)),
    );

    app.post(
      '/v1/runs/:id/cancel',
      {
        config: { right: 'run' },
        schema: {
          tags: ['runs'],
          summary: 'Cancel a run',
          description:
            'The run ends in rollback with the cause `cancelled`, and staging is cleared. A finished run stays as it is.',
          params: parameters,
          response: { 202: runSchema },
        },
      },
      async (request, reply) => {
        const run = await runs.cancel(request.params.id, actorOf(request));
        return reply.code(202).send(withoutInfinities(run));
      },
    );

    app.post(
      '/v1/runs/:id/override',
      {
        config: { right: 'override' },
        schema: {
          tags: ['runs'],
          summary: 'Order something against the decision',
          description:
            'Stands beside the decision, which stays as it was. Promotes or goes back through the same path as any promotion, unless it expired before it could act.',
          params: parameters,
          body: overrideSchema,
          response: { 202: runSchema },
        },
      },
      async (request, reply) => {
        const run = await runs.override(request.params.id, request.body, actorOf(request));
        return reply.code(202).send(withoutInfinities(run));
      },
    );
    done();
  };
}

/** @throws ProblemError 404 */
export async function existingRun(runs: RunService, id: string): Promise<RunView> {
  const run = await runs.get(id);
  if (run === undefined) throw new ProblemError(404, 'unknown-run', `there is no run ${id}`);
  return run;
}
