/** What a run leaves behind for others to read: evidence, samples, and reports in formats that tools know. */
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { MeasurementRecord } from '../../runs/run-store.ts';
import type { AppDependencies } from '../dependencies.ts';
import { ProblemError } from '../problems/problem.ts';
import { idSchema } from '../schemas.ts';
import { jtlOf } from './documents/jtl.ts';
import { renderJunit } from './documents/junit.ts';
import { renderReport } from './documents/report.ts';
import { collectEvidence, evidenceSchema } from './evidence.ts';
import { runFor } from './routes.ts';
import { withoutInfinities } from './schemas.ts';

const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

const parameters = z.object({ id: idSchema });
const selection = z.object({
  measurement: idSchema.optional().describe('Another one than that which the decision rests on.'),
});

/** `GET /v1/runs/:id/{evidence,samples,report.html,junit.xml,results.jtl}`. */
export function documentRoutes(dependencies: AppDependencies): FastifyPluginCallbackZod {
  const { runs, store, stateDirectory } = dependencies;
  const document = (summary: string, answer?: string) => ({
    tags: ['documents'],
    summary,
    params: parameters,
    ...(answer !== undefined && { 'x-answer': answer }),
  });

  const measurementOf = async (
    request: FastifyRequest,
    id: string,
    wanted?: string,
  ): Promise<MeasurementRecord> => {
    await runFor(runs, request, 'read', id);
    const measurements = await store.measurements(id);
    const decided = (await store.run(id))?.judgementId;
    const deciding = decided === undefined ? undefined : await store.judgement(decided);
    const name = wanted ?? deciding?.measurementId;
    const found =
      name === undefined ? measurements.at(-1) : measurements.find((one) => one.id === name);
    if (found !== undefined) return found;
    throw new ProblemError(
      404,
      'no-measurement',
      name === undefined
        ? `run ${id} has measured nothing (yet)`
        : `run ${id} has no measurement ${name}; its evidence lists those it has`,
    );
  };

  const fileOf = async (measurement: MeasurementRecord): Promise<string> => {
    const file = resolve(stateDirectory, measurement.file);
    // The name comes from the store, not from a request; a wrong one must still not lead outside.
    if (!file.startsWith(resolve(stateDirectory) + sep)) {
      throw new Error(`measurement ${measurement.id} names a file outside of the state folder`);
    }
    try {
      await access(file);
    } catch {
      throw new ProblemError(
        410,
        'samples-gone',
        measurement.samplesPrunedAt === undefined
          ? `the samples of measurement ${measurement.id} are no longer on the disk of the service`
          : `the samples of measurement ${measurement.id} were removed on ${measurement.samplesPrunedAt}, when they were older than samples are kept; its judgements stay`,
      );
    }
    return file;
  };

  return (app, _options, done) => {
    app.get(
      '/v1/runs/:id/evidence',
      {
        config: { right: 'read' },
        schema: {
          ...document('Everything that the decision rests on'),
          response: { 200: evidenceSchema },
        },
      },
      async (request) => {
        const run = await runFor(runs, request, 'read', request.params.id);
        return withoutInfinities(await collectEvidence(store, run));
      },
    );

    app.get(
      '/v1/runs/:id/samples',
      {
        config: { right: 'read' },
        schema: {
          ...document(
            'Every request that was sent: speed-gate-samples/1, CSV in gzip',
            'application/gzip',
          ),
          querystring: selection,
        },
      },
      async (request, reply) => {
        const measurement = await measurementOf(
          request,
          request.params.id,
          request.query.measurement,
        );
        const file = await fileOf(measurement);
        void reply
          .header('content-type', 'application/gzip')
          .header('content-disposition', `attachment; filename="${measurement.id}.csv.gz"`);
        return sendStream(request, reply, () => createReadStream(file));
      },
    );

    app.get(
      '/v1/runs/:id/results.jtl',
      {
        config: { right: 'read' },
        schema: {
          ...document('The samples for JMeter’s readers, as CSV', 'text/csv'),
          querystring: selection,
        },
      },
      async (request, reply) => {
        const measurement = await measurementOf(
          request,
          request.params.id,
          request.query.measurement,
        );
        const file = await fileOf(measurement);
        const startedAtMs = Date.parse(measurement.startedAt);
        void reply.header('content-type', 'text/csv; charset=utf-8');
        return sendStream(request, reply, () => Readable.from(jtlOf(file, startedAtMs)));
      },
    );

    app.get(
      '/v1/runs/:id/junit.xml',
      {
        config: { right: 'read' },
        schema: document(
          'JUnit: a failure is a regression, an error was not measured',
          'application/xml',
        ),
      },
      async (request, reply) =>
        reply
          .header('content-type', 'application/xml; charset=utf-8')
          .send(renderJunit(await runFor(runs, request, 'read', request.params.id))),
    );

    app.get(
      '/v1/runs/:id/report.html',
      {
        config: { right: 'read' },
        schema: document('A report in one file', 'text/html'),
      },
      async (request, reply) =>
        reply
          .header('content-type', 'text/html; charset=utf-8')
          .header('content-security-policy', REPORT_POLICY)
          .send(renderReport(await runFor(runs, request, 'read', request.params.id))),
    );
    done();
  };
}

/** Sends what is read as it is sent; to HEAD only its headers, for which nothing is read. */
function sendStream(request: FastifyRequest, reply: FastifyReply, open: () => Readable) {
  return reply.send(request.method === 'HEAD' ? Readable.from([]) : open());
}
