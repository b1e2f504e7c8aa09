/** JSON Schemas (2020-12) for editors, which ask without a token; they say nothing about any service. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { workloadJsonSchema } from '../../load/workload-schema.ts';
import { catalogueJsonSchema } from '../../settings/catalogue.ts';

const KEPT_SECONDS = 3600;

/** `GET /v1/schemas/{catalogue,workload}.json`. */
export function jsonSchemaRoutes(): FastifyPluginCallbackZod {
  const documents = [
    ['catalogue', 'the service catalogue', catalogueJsonSchema],
    ['workload', 'a workload file', workloadJsonSchema],
  ] as const;
  return (app, _options, done) => {
    for (const [name, what, schemaOf] of documents) {
      const text = JSON.stringify(schemaOf());
      app.get(
        `/v1/schemas/${name}.json`,
        {
          config: { right: 'public' },
          schema: {
            tags: ['schemas'],
            summary: `JSON Schema of ${what}, for editors`,
            ...{ 'x-answer': 'application/schema+json' },
          },
        },
        (_request, reply) =>
          reply
            .header('content-type', 'application/schema+json; charset=utf-8')
            .header('cache-control', `public, max-age=${String(KEPT_SECONDS)}`)
            .send(text),
      );
    }
    done();
  };
}
