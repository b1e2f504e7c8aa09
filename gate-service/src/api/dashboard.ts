/** The dashboard's files: few and small, so they are read once and served from memory. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyPluginCallback } from 'fastify';
import { PAGE_POLICY } from './headers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const DASHBOARD_DIRECTORY = join(import.meta.dirname, '..', '..', 'dashboard');

/** One route per file, `index.html` at `/`. They hold no data, so they need no token. */
export function dashboardRoutes(directory = DASHBOARD_DIRECTORY): FastifyPluginCallback {
  return (app, _options, done) => {
    for (const name of readdirSync(directory)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const content = readFileSync(join(directory, name));
      const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
      app.get(
        name === 'index.html' ? '/' : `/${name}`,
        { config: { right: 'public' }, schema: { hide: true } },
        (request, reply) => {
          void reply.headers({
            'content-type': type,
            'content-security-policy': PAGE_POLICY,
            'cache-control': 'no-cache',
            etag: tag,
          });
          if (request.headers['if-none-match'] === tag) return reply.code(304).send();
          return reply.send(content);
        },
      );
    }
    done();
  };
}
