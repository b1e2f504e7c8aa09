/** The rendering for httpd against the real httpd: accepted, and doing what it is for. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { NODE_HEADER } from '../../gate-service/src/mesh/plan.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import { requireStackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import type { StackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import { expertConfiguration } from '../../gate-service/src/stack/expert.ts';
import {
  HTTPD_FILE,
  HTTPD_RUNTIME_FILES,
  POOL_FILE,
  renderHttpd,
  renderPool,
  STATUS_PATH,
} from '../../gate-service/src/stack/httpd.ts';
import { stockConfiguration, STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';

const resources = { cores: 2, memoryMiB: 4096, fileDescriptors: 20_000 };
const stock = stockConfiguration(resources);
const crowded = { ratePerSecond: 1490, p50Ms: 340, p99Ms: 1211, concurrency: 512 };
const expert = expertConfiguration(crowded, resources, stock).configuration;
const compressing = (level: number) =>
  requireStackConfiguration(
    { ...STOCK_VALUES, 'httpd.compression': true, 'httpd.compressionLevel': level },
    resources,
  );
const { httpd } = loadComponents();

let folder: string;
let ports: { listen: number; status: number };
let jettys: readonly [Backend, Backend];
let server: ChildProcess;

interface Backend {
  readonly port: number;
  readonly connections: () => number;
  readonly close: () => void;
}

/** Stands where Jetty would: says which colour it is and what it was asked for, byte for byte. */
async function startBackend(colour: string): Promise<Backend> {
  let connections = 0;
  const backend = http.createServer((request, response) => {
    response.end(JSON.stringify({ colour, url: request.url, headers: request.headers }));
  });
  backend.on('connection', () => {
    connections += 1;
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  return {
    port: (backend.address() as AddressInfo).port,
    connections: () => connections,
    close: () => {
      backend.close();
      backend.closeAllConnections();
    },
  };
}

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function render(configuration: StackConfiguration, runtimeDirectory = folder): string {
  return renderHttpd(configuration, {
    serverRoot: httpd.serverRoot,
    runtimeDirectory,
    listen: { address: '127.0.0.1', port: ports.listen },
    statusPort: ports.status,
    node: 'node-1',
    nodeHeader: NODE_HEADER,
    jettyPorts: [jettys[0].port, jettys[1].port],
    ...(process.getuid?.() === 0 && { user: { name: 'www-data', group: 'www-data' } }),
  })[HTTPD_FILE]!;
}

async function syntaxTest(text: string): Promise<{ code: number; stderr: string }> {
  const file = path.join(folder, 'tested.conf');
  await writeFile(file, text);
  try {
    const { stderr } = await promisify(execFile)(httpd.path, ['-t', '-f', file]);
    return { code: 0, stderr };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, stderr };
  }
}

async function pool(port: number): Promise<void> {
  const file = path.join(folder, POOL_FILE);
  await writeFile(`${file}.new`, renderPool(port));
  await rename(`${file}.new`, file);
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request whose path goes out exactly as given, on a connection of its own unless an agent is given. */
async function get(
  target: string,
  options: { port?: number; headers?: http.OutgoingHttpHeaders; agent?: http.Agent } = {},
): Promise<Answer> {
  const request = http.get({
    host: '127.0.0.1',
    port: options.port ?? ports.listen,
    path: target,
    headers: options.headers,
    agent: options.agent ?? false,
  });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, headers } = response;
  return { status: statusCode, headers, body: Buffer.concat(chunks).toString() };
}

const echo = (answer: Answer) =>
  JSON.parse(answer.body) as { colour: string; url: string; headers: Record<string, string> };

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'httpd-configuration-'));
  // httpd's children are www-data where its parent is root, and read the pool file.
  await chmod(folder, 0o755);
  jettys = [await startBackend('blue'), await startBackend('green')];
  ports = { listen: await freePort(), status: await freePort() };
  const file = path.join(folder, HTTPD_FILE);
  await writeFile(file, render(stock));
  await pool(jettys[0].port);
  server = spawn(httpd.path, ['-f', file, '-D', 'FOREGROUND'], { stdio: 'ignore' });
  await vi.waitFor(
    async () => {
      expect((await get('/')).status).toBe(200);
    },
    { timeout: 20_000 },
  );
});

afterAll(async () => {
  if (server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  for (const jetty of jettys) jetty.close();
  await rm(folder, { recursive: true });
});

describe('the real httpd', () => {
  it.each([
    ['stock', () => stock],
    ['expert', () => expert],
    ['compressing', () => compressing(1)],
  ])('accepts the %s rendering without a warning', async (_, configuration) => {
    const { code, stderr } = await syntaxTest(render(configuration()));
    expect(stderr.trim()).toBe('Syntax OK');
    expect(code).toBe(0);
  });

  it('refuses a broken one', async () => {
    const { code, stderr } = await syntaxTest(
      render(stock).replace('ProxySet max=', 'ProxySet maxx='),
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain('ProxySet');
  });

  it('takes every size as it is, which it would say otherwise', async () => {
    const log = await readFile(path.join(folder, HTTPD_RUNTIME_FILES.errorLog), 'utf8');
    expect(log).not.toMatch(/AH0\d+: WARNING/);
  });

  it.each([
    '/',
    '/?',
    '/plain?x=1&y=%20%2F%3F',
    '/a%2Fb',
    '/a%2fb%3Fc?d=%3F?e',
    '/%20%25%41%7e',
    '/a%23b;v=1,2',
    '/%5C%22%27%3C%3E%7C%60%5B%5D%7B%7D%5E',
    '/%C3%A4%e2%82%ac',
    '/a//b///c',
    '/a/./b/../c',
    '/a%2525',
    "/$1-%24%7Bpool:active%7D-!*'()+:@&=",
    `${STATUS_PATH}?auto`,
  ])('passes on %s unchanged', async (target) => {
    const answer = await get(target);
    expect(answer.status).toBe(200);
    expect(echo(answer).url).toBe(target);
  });

  it('answers 400 or 404 by itself to what is no path', async () => {
    for (const target of ['/%zz', '/%00', '/../x']) {
      const { status } = await get(target);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
  });

  it('tells Jetty who asked, and names itself', async () => {
    const answer = await get('/x', {
      headers: { Host: 'shop.example', 'X-Forwarded-Proto': 'https' },
    });
    expect(answer.headers[NODE_HEADER]).toBe('node-1');
    expect(echo(answer).headers).toMatchObject({
      host: 'shop.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(echo(await get('/x')).headers['x-forwarded-proto']).toBe('http');
  });

  it('keeps connections to Jetty and to its clients', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await get('/warm', { agent });
    const before = jettys[0].connections();
    for (let count = 0; count < 20; count += 1) {
      const answer = await get(`/kept/${count}`, { agent });
      expect(answer.headers.connection?.toLowerCase()).not.toBe('close');
    }
    // Each child process has a pool of its own; the client's connection stays with one child.
    expect(jettys[0].connections() - before).toBeLessThanOrEqual(1);
    agent.destroy();
  });

  it('shows its status on the status port alone, to nobody who was passed on', async () => {
    const own = await get(`${STATUS_PATH}?auto`, { port: ports.status });
    expect(own.status).toBe(200);
    expect(own.body).toMatch(/^ParentServerConfigGeneration: \d+$/m);
    expect(own.body).toMatch(/^ConnsAsyncKeepAlive: \d+$/m);
    const forwarded = { 'X-Forwarded-For': '127.0.0.1' };
    const passedOn = await get(STATUS_PATH, { port: ports.status, headers: forwarded });
    expect(passedOn.status).toBe(403);
    expect((await get('/', { port: ports.status })).status).toBe(403);
    for (const headers of [{}, { Host: `127.0.0.1:${ports.status}` }]) {
      const answer = await get(`${STATUS_PATH}?auto`, { headers });
      expect(echo(answer).colour).toBe('blue');
    }
  });

  it('follows the pool file without a restart, and answers 503 without one', async () => {
    const generation = async () => {
      const { body } = await get(`${STATUS_PATH}?auto`, { port: ports.status });
      return /ParentServerConfigGeneration: \d+/.exec(body)![0];
    };
    const before = await generation();
    await pool(jettys[1].port);
    expect(echo(await get('/after')).colour).toBe('green');
    await rm(path.join(folder, POOL_FILE));
    expect((await get('/none')).status).toBe(503);
    await pool(jettys[0].port);
    await vi.waitFor(
      async () => {
        expect(echo(await get('/again')).colour).toBe('blue');
      },
      { timeout: 30_000 },
    );
    expect(await generation()).toBe(before);
  });
});

describe('compression', () => {
  const text = 'the same words over and over; '.repeat(400);
  const jpeg = Buffer.alloc(8000, 7);
  let backend: http.Server;
  let second: { readonly port: number; readonly stop: () => Promise<void> };
  let conditional: (string | undefined)[];

  /** An httpd of its own in front of answers with a type and an entity tag. */
  async function serve(configuration: StackConfiguration): Promise<typeof second> {
    const runtime = await mkdtemp(path.join(folder, 'compression-'));
    await chmod(runtime, 0o755);
    const backendPort = (backend.address() as AddressInfo).port;
    const own = { listen: await freePort(), status: await freePort() };
    const rendered = renderHttpd(configuration, {
      serverRoot: httpd.serverRoot,
      runtimeDirectory: runtime,
      listen: { address: '127.0.0.1', port: own.listen },
      statusPort: own.status,
      node: 'node-1',
      nodeHeader: NODE_HEADER,
      jettyPorts: [backendPort, backendPort + 1],
      ...(process.getuid?.() === 0 && { user: { name: 'www-data', group: 'www-data' } }),
    })[HTTPD_FILE]!;
    await writeFile(path.join(runtime, HTTPD_FILE), rendered);
    await writeFile(path.join(runtime, POOL_FILE), renderPool(backendPort));
    const process_ = spawn(httpd.path, ['-f', path.join(runtime, HTTPD_FILE), '-D', 'FOREGROUND'], {
      stdio: 'ignore',
    });
    await vi.waitFor(
      async () => {
        expect((await get('/text', { port: own.listen })).status).toBe(200);
      },
      { timeout: 20_000 },
    );
    return {
      port: own.listen,
      stop: async () => {
        process_.kill('SIGTERM');
        await once(process_, 'exit');
      },
    };
  }

  const asked = (target: string, headers: http.OutgoingHttpHeaders = {}) =>
    get(target, { port: second.port, headers: { 'Accept-Encoding': 'gzip', ...headers } });
  const size = (answer: Answer) => Buffer.byteLength(answer.body);

  beforeAll(async () => {
    backend = http.createServer((request, response) => {
      conditional.push(request.headers['if-none-match']);
      const tag = '"v1"';
      if (request.headers['if-none-match'] === tag) {
        response.writeHead(304, { etag: tag }).end();
      } else if (request.url === '/jpeg') {
        response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg);
      } else if (request.url === '/encoded') {
        const headers = { 'content-type': 'text/plain', 'content-encoding': 'br' };
        response.writeHead(200, headers).end('not really');
      } else {
        const type = request.url === '/json' ? 'application/json' : 'text/plain; charset=utf-8';
        response.writeHead(200, { 'content-type': type, etag: tag }).end(text);
      }
    });
    conditional = [];
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
  });
  afterAll(() => {
    backend.close();
    backend.closeAllConnections();
  });
  afterEach(async () => {
    await second.stop();
  });

  it('shrinks text for who takes it, the more the higher the level', async () => {
    second = await serve(compressing(1));
    for (const target of ['/text', '/json']) {
      const answer = await asked(target);
      expect(answer.headers).toMatchObject({
        'content-encoding': 'gzip',
        vary: expect.stringContaining('Accept-Encoding') as string,
      });
      expect(size(answer)).toBeLessThan(text.length / 4);
    }
    const fast = size(await asked('/text'));
    const plain = await get('/text', { port: second.port });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body).toBe(text);
    expect((await asked('/jpeg')).headers['content-encoding']).toBeUndefined();
    expect((await asked('/encoded')).headers['content-encoding']).toBe('br');
    await second.stop();
    second = await serve(compressing(9));
    expect(size(await asked('/text'))).toBeLessThan(fast);
  });

  it('keeps conditional requests working', async () => {
    second = await serve(compressing(6));
    const { etag } = (await asked('/text')).headers;
    expect(etag).toBe('"v1-gzip"');
    conditional = [];
    const again = await asked('/text', { 'If-None-Match': etag });
    expect(again.status).toBe(304);
    expect(conditional).toEqual(['"v1"']);
  });

  it('is off in stock', async () => {
    second = await serve(stock);
    const answer = await asked('/text');
    expect(answer.headers).toMatchObject({ etag: '"v1"' });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(render(stock)).not.toMatch(/deflate/i);
  });
});

describe('the placement', () => {
  it('cannot smuggle directives into the configuration', async () => {
    for (const bad of ['/run/a"\nInclude "/etc/passwd', '/run/${HOME}', '/run/%{x}', '']) {
      expect(() => render(stock, bad)).toThrow(RangeError);
    }
    const spaced = path.join(folder, 'with space');
    await mkdir(spaced);
    // httpd refuses a configuration whose pool file is not there yet.
    expect(await syntaxTest(render(stock, spaced))).toMatchObject({ code: 1 });
    await writeFile(path.join(spaced, POOL_FILE), renderPool(1));
    expect(await syntaxTest(render(stock, spaced))).toMatchObject({ code: 0 });
  });
});
