/** The dashboard's built files: few and small, so they are read once and served from memory. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { pagePolicy } from './headers.ts';
import { ProblemError } from './problems/problem.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Where the set-up puts what it builds of `gate-service/dashboard`. */
export const DASHBOARD_DIRECTORY = join(import.meta.dirname, '..', '..', 'dashboard', 'dist');

/** Addresses of pages: a browser that goes there gets the dashboard, which shows the right page itself. */
const PAGES = [
  '/',
  '/services',
  '/services/*',
  '/runs',
  '/runs/*',
  '/queue',
  '/audit',
  '/signed-in',
];

const NOT_BUILT = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Speed Gate</title>
  </head>
  <body>
    <h1>The dashboard has not been built</h1>
    <p>Run <code>npm run setup</code> where the gate service is installed, and start it again. The API at
    <code>/v1</code> works without it.</p>
  </body>
</html>
`;

export interface DashboardOptions {
  /** Folder of the built files. */
  readonly directory?: string;
  /** Origins that the page may reach besides its own: those of the issuer that people sign in with. */
  readonly connect?: () => readonly string[];
}

interface File {
  readonly content: Buffer;
  readonly type: string;
  readonly tag: string;
}

/** Pages, their assets and the icon. They hold no data, so they need no token. */
export function dashboardRoutes(options: DashboardOptions = {}): FastifyPluginCallback {
  const files = readFiles(options.directory ?? DASHBOARD_DIRECTORY);
  const index = files.get('index.html');
  const policy = (): string => pagePolicy(options.connect?.() ?? []);

  return (app, _options, done) => {
    const route = (
      url: string,
      handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
    ) => app.get(url, { config: { right: 'public' }, schema: { hide: true } }, handler);

    for (const url of PAGES) {
      route(url, (request, reply) => {
        // A program that asks for a page by mistake is better served with a problem that it can read.
        if (url !== '/' && !wantsPage(request)) throw notFound(request);
        void reply.header('content-security-policy', policy()).header('cache-control', 'no-cache');
        if (index !== undefined) return sendFile(request, reply, index);
        return reply.code(503).header('content-type', TYPES['.html']).send(NOT_BUILT);
      });
    }
    route('/icon.svg', (request, reply) => {
      const file = files.get('icon.svg');
      if (file === undefined) throw notFound(request);
      return sendFile(request, reply.header('cache-control', 'no-cache'), file);
    });
    // Their names change with their content.
    route('/assets/*', (request, reply) => {
      const file = files.get(`assets/${(request.params as { readonly '*': string })['*']}`);
      if (file === undefined) throw notFound(request);
      return sendFile(
        request,
        reply.header('cache-control', 'public, max-age=31536000, immutable'),
        file,
      );
    });
    done();
  };
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: File): FastifyReply {
  void reply.headers({ 'content-type': file.type, etag: file.tag });
  if (request.headers['if-none-match'] === file.tag) return reply.code(304).send();
  return reply.send(file.content);
}

function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') === true;
}

function notFound(request: FastifyRequest): ProblemError {
  return new ProblemError(404, 'not-found', `there is no ${request.method} ${request.url}`);
}

/** By path below the folder; none when it has not been built. */
function readFiles(directory: string): ReadonlyMap<string, File> {
  const files = new Map<string, File>();
  for (const name of namesBelow(directory)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const content = readFileSync(join(directory, name));
    const tag = createHash('sha256').update(content).digest('base64url').slice(0, 22);
    files.set(name, { content, type, tag: `"${tag}"` });
  }
  return files;
}

function namesBelow(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
