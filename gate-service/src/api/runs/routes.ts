/** Runs: asked for, followed, cancelled, overridden. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RunView } from '../../runs/run.ts';
import { causeSchema, decisionSchema, runPhaseSchema, runRequestSchema } from '../../runs/run.ts';
import type { RunService } from '../../runs/run-service.ts';
import type { AppDependencies } from '../dependencies.ts';
import {
  actorOf,
  identityOf,
  requireService,
  serviceInQuery,
  servicesOf,
} from '../identity/authenticate.ts';
import type { Right } from '../identity/rights.ts';
import { requireWake } from '../operations/wake.ts';
import { ProblemError } from '../problems/problem.ts';
import {
  defined,
  idSchema,
  instantSchema,
  pageQuerySchema,
  pageRequest,
  pageSchema,
  reasonSchema,
  serviceNameSchema,
  sha256Schema,
} from '../schemas.ts';
import { entityTag, seenTag } from './entity-tag.ts';
import { queueRoutes } from './queue-routes.ts';
import { runInShortSchema, runSchema, withoutInfinities } from './schemas.ts';

const parameters = z.object({ id: idSchema });

const overrideSchema = z.strictObject({
  order: z.enum(['promote', 'rollback']),
  reason: reasonSchema,
  expiresAt: instantSchema
    .optional()
    .describe(
      'Latest moment at which the override may act, at most 7 days ahead. Default: in an hour.',
    ),
});

const filterSchema = pageQuerySchema.extend({
  service: serviceNameSchema.optional(),
  decision: decisionSchema.optional(),
  cause: causeSchema.optional(),
  phase: runPhaseSchema.optional(),
  build: sha256Schema.optional(),
  requestedBy: z.string().min(1).max(200).optional(),
});

const submissionSchema = runSchema
  .extend({ ahead: z.int().describe('Runs before this one, the running one included.') })
  .meta({ id: 'Submission' });

/** `/v1/runs`, `/v1/queue` and what is done to one run; its documents and events are routes of their own. */
export function runRoutes(dependencies: AppDependencies): FastifyPluginCallbackZod {
  const { runs } = dependencies;
  return (app, _options, done) => {
    void app.register(queueRoutes(dependencies));

    app.post(
      '/v1/runs',
      {
        config: { right: 'run' },
        schema: {
          tags: ['runs'],
          summary: 'Ask for a run',
          description:
            'Accepted means queued. With an Idempotency-Key a repeated request answers the run it made the first time. Thresholds and workload may only be stricter than those of the catalogue; to ask for less takes the right `loosen`, and to ask for `promote: auto` the right `promote`. 429 when the service has as many runs queued as the catalogue allows.',
          headers: z.object({
            'idempotency-key': z.string().min(1).max(255).optional(),
          }),
          body: runRequestSchema,
          response: { 202: submissionSchema },
        },
      },
      async (request, reply) => {
        const { promote, service } = request.body;
        requireService(request, 'run', service);
        if (promote === 'auto') requireService(request, 'promote', service);
        requireWake(request.body, dependencies.wakeProblem);
        const identity = identityOf(request);
        const submission = await runs.submit(
          request.body,
          identity.name,
          request.headers['idempotency-key'],
          {
            mayLoosen: identity.can('loosen', service),
            mayRepeat: identity.can('override', service),
          },
        );
        if (!submission.created) void reply.header('idempotent-replayed', 'true');
        return tagged(reply, submission.run)
          .code(202)
          .header('location', `/v1/runs/${submission.run.id}`)
          .send({ ...withoutInfinities(submission.run), ahead: submission.ahead });
      },
    );

    app.get(
      '/v1/runs',
      {
        config: { right: 'read', service: serviceInQuery('service') },
        schema: {
          tags: ['runs'],
          summary: 'Runs, newest first',
          description:
            'Only runs of services that the caller may read; every filter narrows them. In short: the evidence is told by each run itself.',
          querystring: filterSchema,
          response: { 200: pageSchema(runInShortSchema) },
        },
      },
      async (request) => {
        const { build, cause, decision, phase, requestedBy, service } = request.query;
        const filter = defined({ build, cause, decision, phase, requestedBy, service });
        const services = servicesOf(request, 'read');
        const page = await runs.list(
          { ...filter, ...(services === '*' ? {} : { services }) },
          pageRequest(request.query),
        );
        return page;
      },
    );

    app.get(
      '/v1/runs/:id',
      {
        config: { right: 'read' },
        schema: {
          tags: ['runs'],
          summary: 'One run',
          description: 'The ETag is what an override has to name.',
          params: parameters,
          response: { 200: runSchema },
        },
      },
      async (request, reply) => {
        const run = await runFor(runs, request, 'read', request.params.id);
        return tagged(reply, run).send(withoutInfinities(run));
      },
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
        const { id } = request.params;
        await runFor(runs, request, 'run', id);
        const run = await runs.cancel(id, actorOf(request));
        return tagged(reply, run).code(202).send(withoutInfinities(run));
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
            'Stands beside the decision, which stays as it was. Promotes or goes back through the same path as any promotion, unless it expired before it could act. If-Match names the ETag of the run that the person has seen: 428 without it, 412 when the run has changed since. Nobody overrides a run that he asked for or whose build he started.',
          params: parameters,
          headers: z.object({ 'if-match': z.string().max(1000).optional() }),
          body: overrideSchema,
          response: { 202: runSchema },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await runFor(runs, request, 'override', id);
        const { expiresAt, order, reason } = request.body;
        const seen = seenTag(request.headers['if-match']);
        const run = await runs.override(
          id,
          { order, reason, seen, ...defined({ expiresAt }) },
          actorOf(request),
        );
        return tagged(reply, run).code(202).send(withoutInfinities(run));
      },
    );
    done();
  };
}

/**
 * The run, for a caller who has the right for its service.
 * @throws ProblemError 404, 403
 */
export async function runFor(
  runs: Pick<RunService, 'get'>,
  request: FastifyRequest,
  right: Right,
  id: string,
): Promise<RunView> {
  const run = await runs.get(id);
  if (run === undefined) throw new ProblemError(404, 'unknown-run', `there is no run ${id}`);
  requireService(request, right, run.service);
  return run;
}

function tagged<Reply extends Pick<FastifyReply, 'header'>>(reply: Reply, run: RunView): Reply {
  void reply.header('etag', entityTag(run.revision));
  return reply;
}
