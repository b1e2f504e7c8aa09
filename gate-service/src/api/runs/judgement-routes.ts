/** Judgements of a run: its own, and those that people ask for afterwards. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RejudgeRequest } from '../../runs/run-service.ts';
import type { AppDependencies } from '../dependencies.ts';
import { actorOf } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import { idSchema } from '../schemas.ts';
import { judgementRecordSchema, judgementView } from './judgement-schemas.ts';
import { runFor } from './routes.ts';
import { withoutInfinities } from './schemas.ts';

/** More could not be read by anybody, and each costs the judge time. */
const MOST_THRESHOLDS = 50;

const thresholdsSchema = z.array(z.string().min(1).max(200)).max(MOST_THRESHOLDS);

const rejudgeSchema = z.strictObject({
  thresholds: thresholdsSchema.min(1),
  shown: thresholdsSchema.optional().describe('Judged as well, without deciding.'),
  controls: z
    .enum(['required', 'optional'])
    .optional()
    .describe(
      'Whether missing controls make it invalid. Default: required. Failed ones always do.',
    ),
  seed: z.int().min(0).max(0xffffffff).optional().describe('Default: the run’s own.'),
  measurement: idSchema
    .optional()
    .describe('Default: the one that the decision rests on. Tuning compared other arms.'),
});

const parameters = z.object({ id: idSchema });

/** `/v1/runs/:id/judgements`. */
export function judgementRoutes({ runs, store }: AppDependencies): FastifyPluginCallbackZod {
  const viewsOf = async (request: FastifyRequest, id: string) => {
    await runFor(runs, request, 'read', id);
    const deciding = (await store.run(id))?.judgementId;
    const records = await store.judgements(id);
    return records.map((record) => withoutInfinities(judgementView(record, deciding)));
  };

  return (app, _options, done) => {
    app.post(
      '/v1/runs/:id/judgements',
      {
        config: { right: 'run' },
        schema: {
          tags: ['judgements'],
          summary: 'Judge the stored samples again',
          description:
            'A new judgement under other thresholds, or with another seed, from the samples of a finished run. It is linked to the run’s own, which stays, as does the decision. It promotes nothing and allows no promotion: only what the run itself judged to pass can be promoted.',
          params: parameters,
          body: rejudgeSchema,
          response: { 201: judgementRecordSchema },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await runFor(runs, request, 'run', id);
        const record = await runs.rejudge(id, wanted(request.body), actorOf(request));
        return reply
          .code(201)
          .header('location', `/v1/runs/${id}/judgements/${record.id}`)
          .send(withoutInfinities(judgementView(record, undefined)));
      },
    );

    app.get(
      '/v1/runs/:id/judgements',
      {
        config: { right: 'read' },
        schema: {
          tags: ['judgements'],
          summary: 'All judgements of a run, oldest first',
          params: parameters,
          response: { 200: z.object({ items: z.array(judgementRecordSchema) }) },
        },
      },
      async (request) => ({ items: await viewsOf(request, request.params.id) }),
    );

    app.get(
      '/v1/runs/:id/judgements/:judgement',
      {
        config: { right: 'read' },
        schema: {
          tags: ['judgements'],
          summary: 'One judgement',
          params: parameters.extend({ judgement: idSchema }),
          response: { 200: judgementRecordSchema },
        },
      },
      async (request) => {
        const { id, judgement } = request.params;
        const found = (await viewsOf(request, id)).find((one) => one.id === judgement);
        if (found !== undefined) return found;
        throw new ProblemError(
          404,
          'unknown-judgement',
          `run ${id} has no judgement ${judgement}; GET /v1/runs/${id}/judgements lists those it has`,
        );
      },
    );
    done();
  };
}

/** zod types an absent key as possibly undefined; the port has it absent. */
function wanted({ thresholds, ...rest }: z.infer<typeof rejudgeSchema>): RejudgeRequest {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { thresholds, ...(Object.fromEntries(given) as Omit<RejudgeRequest, 'thresholds'>) };
}
