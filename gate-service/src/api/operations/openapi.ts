/** The description of the API (OpenAPI 3.1), made from the same schemas that check requests and answers. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RequiredRight } from '../identity/rights.ts';
import { problemSchema } from '../problems/problem.ts';

const VERSION = '1';

/** Register before the routes. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Speed Gate',
        version: VERSION,
        description:
          'Gates builds: measures a new build beside the current one and answers pass, promote or rollback with the evidence. Errors are problem details (RFC 9457).',
      },
      servers: [{ url: '/' }],
      security: [{ token: [] }],
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      },
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document);
      const right: RequiredRight | undefined = document.route.config?.right;
      return { schema: { ...schema, ...(right !== undefined && { 'x-right': right }) }, url };
    },
    transformObject: (document) => withProblems(jsonSchemaTransformObject(document)),
  });
}

/** `/openapi.json`. */
export function openApiRoute(app: FastifyInstance): void {
  app.get('/openapi.json', { config: { right: 'public' }, schema: { hide: true } }, () =>
    app.swagger(),
  );
}

/** The document as it is committed: same text for the same routes and schemas. */
export function openApiText(app: FastifyInstance): string {
  return `${JSON.stringify(app.swagger(), null, 2)}\n`;
}

interface Operation {
  responses?: Record<string, unknown>;
}

/** Every operation may answer a problem; said once for all instead of at each route. */
function withProblems<T extends object>(document: T): T {
  const paths = (document as { paths?: Record<string, Record<string, Operation>> }).paths ?? {};
  for (const operations of Object.values(paths)) {
    for (const operation of Object.values(operations)) {
      operation.responses = {
        ...operation.responses,
        default: {
          description: 'A problem (RFC 9457)',
          content: {
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          },
        },
      };
    }
  }
  const problem: Record<string, unknown> = z.toJSONSchema(problemSchema);
  delete problem.$schema;
  const components = (document as { components?: { schemas?: Record<string, unknown> } })
    .components;
  if (components !== undefined) components.schemas = { ...components.schemas, Problem: problem };
  return document;
}
