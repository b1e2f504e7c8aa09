/** The description of the API (OpenAPI 3.1), made from the same schemas that check requests and answers. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { RequiredRight } from '../identity/rights.ts';

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
  requestBody?: unknown;
  'x-answer'?: string;
  'x-body'?: string;
}

interface Document {
  paths?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, unknown> };
}

/** What the schemas cannot say: problems of every operation, and bodies and answers that are not JSON. */
function withProblems<T extends object>(document: T): T {
  const { paths, components } = document as Document;
  for (const operation of Object.values(paths ?? {}).flatMap((one) => Object.values(one))) {
    const { 'x-answer': answer, 'x-body': body } = operation;
    delete operation['x-answer'];
    delete operation['x-body'];
    if (body !== undefined) operation.requestBody = { required: true, content: { [body]: {} } };
    operation.responses = {
      ...operation.responses,
      ...(answer !== undefined && {
        200: { description: 'Default Response', content: { [answer]: {} } },
      }),
      default: {
        description: 'A problem (RFC 9457)',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    };
  }
  if (components?.schemas !== undefined) {
    components.schemas = referenced(document, components.schemas);
  }
  return document;
}

/** The generator writes each schema as input and as output; only those that are used are of use. */
function referenced(document: object, schemas: Record<string, unknown>): Record<string, unknown> {
  const text = JSON.stringify((document as Document).paths);
  const used = new Set<string>();
  const visit = (json: string): void => {
    for (const [, name] of json.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name === undefined || used.has(name)) continue;
      used.add(name);
      visit(JSON.stringify(schemas[name] ?? {}));
    }
  };
  visit(text);
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => used.has(name))
      .sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
}
