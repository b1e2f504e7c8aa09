import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dashboardRoutes } from './dashboard.ts';
import type { DashboardOptions } from './dashboard.ts';
import { secureHeaders } from './headers.ts';
import { handleErrors } from './problems/error-handler.ts';

const PAGE = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let directory: string;
const apps: FastifyInstance[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-dashboard-'));
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  await rm(directory, { recursive: true });
});

async function build(): Promise<void> {
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>Speed Gate</title>');
  await writeFile(join(directory, 'assets', 'index-AbC123.js'), 'void 0;');
  await writeFile(join(directory, 'secret.txt'), 'not a file of the page');
}

async function serve(options: DashboardOptions = {}): Promise<FastifyInstance> {
  const app = Fastify();
  apps.push(app);
  secureHeaders(app);
  handleErrors(app);
  await app.register(dashboardRoutes({ directory, ...options }));
  return app;
}

describe('the dashboard', () => {
  it.each(['/', '/services', '/services/checkout', '/runs', '/runs/abc-1', '/queue', '/audit'])(
    'answers %s with the page, never kept',
    async (url) => {
      await build();
      const answer = await (await serve()).inject({ url, headers: PAGE });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['cache-control']).toBe('no-cache');
      expect(answer.body).toContain('Speed Gate');
    },
  );

  it('answers a program that asks for a page with a problem', async () => {
    await build();
    const app = await serve();
    const answer = await app.inject({ url: '/runs/abc', headers: { accept: 'application/json' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('lets assets be kept for ever, and answers 304 for what is known', async () => {
    await build();
    const app = await serve();
    const first = await app.inject('/assets/index-AbC123.js');
    expect(first.headers['cache-control']).toContain('immutable');
    expect(first.headers['content-type']).toBe('text/javascript; charset=utf-8');
    const again = await app.inject({
      url: '/assets/index-AbC123.js',
      headers: { 'if-none-match': String(first.headers.etag) },
    });
    expect(again.statusCode).toBe(304);
  });

  it.each(['/assets/gone.js', '/assets/../secret.txt', '/assets/%2e%2e/secret.txt', '/assets/'])(
    'has nothing at %s',
    async (url) => {
      await build();
      expect((await (await serve()).inject(url)).statusCode).toBe(404);
    },
  );

  it('allows nothing inline, and no origin but its own and the issuer of identities', async () => {
    await build();
    const policyOf = async (options: DashboardOptions): Promise<string> => {
      const { headers } = await (await serve(options)).inject({ url: '/', headers: PAGE });
      return String(headers['content-security-policy']);
    };
    const own = await policyOf({});
    expect(own).toContain("script-src 'self';");
    expect(own).toContain("connect-src 'self';");
    expect(own).not.toContain('unsafe');
    const issuer = await policyOf({ connect: () => ['https://login.example.com'] });
    expect(issuer).toContain("connect-src 'self' https://login.example.com;");
  });

  it('says in words that it has not been built', async () => {
    const answer = await (await serve()).inject({ url: '/', headers: PAGE });
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('npm run setup');
  });
});
