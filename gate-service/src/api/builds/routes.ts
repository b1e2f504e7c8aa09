/** Builds: uploaded once under their digest, never changed. */
import path from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { RefusedError } from '../../runs/run-service.ts';
import type { BuildRecord } from '../../runs/run-store.ts';
import type { AppDependencies } from '../dependencies.ts';
import { actorOf } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import { instantSchema, sha256Schema } from '../schemas.ts';

const buildSchema = z
  .object({
    sha256: sha256Schema,
    sizeBytes: z.int().optional().describe('Of an uploaded WAR.'),
    image: z.string().optional().describe('Where an image comes from: REPOSITORY@sha256:HEX.'),
    uploadedBy: z.string(),
    uploadedAt: instantSchema,
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Build' });

const parameters = z.object({ sha256: sha256Schema });

/** `PUT` and `GET /v1/builds/:sha256`. */
export function buildRoutes(dependencies: AppDependencies): FastifyPluginCallbackZod {
  const { store, buildFiles, maxBuildBytes } = dependencies;
  const now = dependencies.now ?? (() => new Date());

  return (app, _options, done) => {
    // The file itself is the body, whatever its sender calls it; it is read by the handler, not into memory.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, parsed) => {
      parsed(null, payload);
    });

    app.put(
      '/v1/builds/:sha256',
      {
        config: { right: 'run' },
        bodyLimit: maxBuildBytes,
        schema: {
          tags: ['builds'],
          summary: 'Upload a build',
          description:
            'The WAR as the body. Kept only when it has the SHA-256 of the address and is a WAR. 201 when it is new, 200 when it was there already.',
          ...{ 'x-body': 'application/octet-stream' },
          params: parameters,
          response: { 200: buildSchema, 201: buildSchema },
        },
      },
      async (request, reply) => {
        const { sha256 } = request.params;
        if (dependencies.platform === 'kubernetes') {
          throw new RefusedError(
            'unsupported',
            'this gate runs images on Kubernetes: push the image to its registry, and name it as REPOSITORY@sha256:HEX where you ask for the run',
          );
        }
        const announced = Number(request.headers['content-length'] ?? 0);
        if (announced > maxBuildBytes) {
          throw new ProblemError(
            413,
            'too-large',
            `the file has ${announced} bytes, the most that is taken is ${maxBuildBytes}; SPEED_GATE_MAX_BUILD_MIB of the service raises it`,
          );
        }
        if (!(request.body instanceof Readable)) {
          throw new ProblemError(
            400,
            'invalid-request',
            'the request has no body: send the WAR as its body',
          );
        }
        // Leaving early must not destroy the request: its answer goes over the same connection.
        const content = request.body.iterator({ destroyOnReturn: false });
        const file = await buildFiles.receive(sha256, content as AsyncIterable<Uint8Array>);
        const actor = actorOf(request);
        const at = now().toISOString();
        // The store decides what is new, and the audit comes first: a file that a service left behind when it died
        // in between is an upload that nobody has been named for yet.
        const known = (await store.build(sha256)) !== undefined;
        if (!known) {
          await store.appendAudit({
            at,
            actor,
            action: 'build.upload',
            subject: sha256,
            data: { sizeBytes: file.sizeBytes },
          });
        }
        await store.saveBuild({
          digest: sha256,
          location: file.path,
          sizeBytes: file.sizeBytes,
          uploadedBy: actor,
          uploadedAt: at,
        });
        const build = await store.build(sha256);
        if (build === undefined)
          throw new Error(`build ${sha256} is gone right after it was stored`);
        return reply.code(known ? 200 : 201).send(view(build));
      },
    );

    app.get(
      '/v1/builds/:sha256',
      {
        config: { right: 'read' },
        schema: {
          tags: ['builds'],
          summary: 'Whether a build is here',
          params: parameters,
          response: { 200: buildSchema },
        },
      },
      async (request) => {
        const build = await store.build(request.params.sha256);
        if (build === undefined) {
          throw new ProblemError(
            404,
            'unknown-build',
            `build ${request.params.sha256} was never uploaded: send it with PUT to this address`,
          );
        }
        return view(build);
      },
    );
    done();
  };
}

/** Where the file is, is nobody's business outside. */
function view(build: BuildRecord) {
  // A WAR's location is an absolute path of the service's own disk.
  const isFile = path.isAbsolute(build.location);
  return {
    sha256: build.digest,
    ...(isFile
      ? { sizeBytes: build.sizeBytes }
      : { image: `${build.location}@sha256:${build.digest}` }),
    uploadedBy: build.uploadedBy,
    uploadedAt: build.uploadedAt,
    links: { self: `/v1/builds/${build.digest}` },
  };
}
