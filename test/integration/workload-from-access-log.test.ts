/** A workload from the log that the real httpd writes, sent to it again. */
import { spawn, execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { replay } from '../../gate-service/src/load/closed-loop.ts';
import { loadWorkload } from '../../gate-service/src/load/workload-file.ts';
import { NODE_HEADER } from '../../gate-service/src/mesh/plan.ts';
import { freePorts } from '../../gate-service/src/processes/free-port.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import {
  HTTPD_FILE,
  POOL_FILE,
  renderHttpd,
  renderPool,
} from '../../gate-service/src/stack/httpd.ts';
import { stockConfiguration } from '../../gate-service/src/stack/stock.ts';

const { httpd } = loadComponents();
const main = path.join(import.meta.dirname, '../../gate-service/src/main.ts');
const CONNECTIONS = '%v %h %l %u %t \\"%r\\" %>s %b %k %D';

let folder: string;
let port: number;
let server: ChildProcess;
let application: http.Server;

/** A shop that knows few paths; identifiers must be numbers that are there. */
function answer(url: string): number {
  if (/^\/products\/\d{1,7}(\?|$)/.test(url) || url.startsWith('/search?')) return 200;
  if (/^\/users\/[^/]+\/cart$/.test(url)) return 200;
  if (url === '/old') return 301;
  return 404;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

async function send(target: string, options: http.RequestOptions = {}): Promise<number> {
  const request = http.request({ host: '127.0.0.1', port, path: target, agent, ...options });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

/** Bytes on a connection of their own, until httpd closes it. */
async function sendRaw(bytes: string | Buffer): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.end(bytes);
  socket.resume();
  await once(socket, 'close');
}

const logOf = async (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8');

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'workload-from-access-log-'));
  await chmod(folder, 0o755);
  const [listen, status, jetty, other] = await freePorts(4);
  port = listen!;
  application = http.createServer((request, response) => {
    request.resume();
    response.statusCode = answer(request.url ?? '');
    response.end('shop');
  });
  application.listen(jetty, '127.0.0.1');
  await once(application, 'listening');
  const configuration = renderHttpd(
    stockConfiguration({ cores: 2, memoryMiB: 4096, fileDescriptors: 20_000 }),
    {
      serverRoot: httpd.serverRoot,
      runtimeDirectory: folder,
      listen: { address: '127.0.0.1', port: listen! },
      statusPort: status!,
      node: 'node-1',
      nodeHeader: NODE_HEADER,
      jettyPorts: [jetty!, other!],
      ...(process.getuid?.() === 0 && { user: { name: 'www-data', group: 'www-data' } }),
    },
  )[HTTPD_FILE]!;
  const logs = [
    '<IfModule !log_config_module>',
    '  LoadModule log_config_module modules/mod_log_config.so',
    '</IfModule>',
    `LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\" %D" timed`,
    `LogFormat "${CONNECTIONS}" connections`,
    `CustomLog "${folder}/timed.log" timed`,
    `CustomLog "${folder}/connections.log" connections`,
  ];
  const file = path.join(folder, HTTPD_FILE);
  await writeFile(file, `${configuration}${logs.join('\n')}\n`);
  await writeFile(path.join(folder, POOL_FILE), renderPool(jetty!));
  server = spawn(httpd.path, ['-f', file, '-D', 'FOREGROUND'], { stdio: 'ignore' });
  await vi.waitFor(
    async () => {
      await send('/products/1', { agent: false });
    },
    { timeout: 20_000 },
  );

  const secret = {
    headers: {
      Referer: 'http://a/?token=refsecret',
      'User-Agent': 'agentsecret "x"',
      Cookie: 'id=cookiesecret',
    },
  };
  for (let i = 0; i < 200; i += 1) {
    await send(`/products/${i}?session=querysecret${i}`, secret);
    if (i % 2 === 0) await send(`/search?q=querysecret+%22${i}%22&lang=de`, secret);
    if (i % 4 === 0) await send(`/users/usersecret${i}%40example.com/cart`, secret);
    if (i % 10 === 0) await send('/old', { ...secret, method: 'HEAD' });
    if (i % 20 === 0) await send('/orders', { ...secret, method: 'POST' });
    if (i % 20 === 0) await send(`/probe-${'abcdefghijklmnopqrst'[i / 20]}.php`, secret);
  }
  await sendRaw(Buffer.from([0x16, 3, 1, 0, 200, 1, 13, 10, 13, 10]));
  await sendRaw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await sendRaw('CONNECT rawsecret.example:443 HTTP/1.1\r\nHost: x\r\n\r\n');
  await sendRaw('GET /a"rawsecret" 200 1 "x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await sendRaw('GET http://127.0.0.1/old HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await sendRaw(
    'GET http://rawsecret:pw@127.0.0.1/old HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  await sendRaw('GET /caf\xc3\xa9/rawsecret\x01 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await sendRaw(`GET /${'rawsecret'.repeat(2000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  // The start-up's, 200 + 100 + 50 + 20 + 10 + 10 and 8 more; a line is written when its answer is out.
  await vi.waitFor(
    async () => {
      expect((await logOf('connections.log')).trim().split('\n').length).toBeGreaterThanOrEqual(
        399,
      );
      expect((await logOf('timed.log')).trim().split('\n').length).toBeGreaterThanOrEqual(399);
    },
    { timeout: 20_000 },
  );
});

afterAll(async () => {
  agent.destroy();
  if (server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  application.close();
  application.closeAllConnections();
  await rm(folder, { recursive: true });
});

async function command(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [main, 'workload', 'from-access-log', ...args]);
}

describe('the log of the real httpd', () => {
  it('gives the mix that was sent, and nothing of who sent it', async () => {
    const { stdout, stderr } = await command(path.join(folder, 'timed.log'));
    const { requests } = loadWorkload(stdout);
    const kinds = Object.fromEntries(requests.map((kind) => [kind.path, kind]));
    expect(kinds['/search?lang=${sequence}&q=${sequence}']).toMatchObject({
      weight: 100,
      expect: { status: 200 },
    });
    expect(kinds['/users/${sequence}/cart']).toMatchObject({ weight: 50 });
    const products = kinds['/products/${sequence}?session=${sequence}'];
    expect(products?.weight).toBeGreaterThanOrEqual(201);
    expect(
      requests
        .filter(({ path: one }) => one === '/old')
        .map(({ method }) => method)
        .sort(),
    ).toEqual(['GET', 'HEAD']);
    expect(stderr).toContain('10 left out because their method changes something');
    expect(stderr).toMatch(/durations in the log \(%D\): p50 [\d.]+ ms/);
    expect(`${stdout}${stderr}`).not.toMatch(/secret|127\.0\.0\.1|probe|:pw/);
  });

  it('gives the same from gzip, and the share of fresh connections where it is written', async () => {
    const plain = await command(path.join(folder, 'timed.log'));
    const zipped = path.join(folder, 'timed.log.gz');
    await writeFile(zipped, gzipSync(await logOf('timed.log')));
    const output = path.join(folder, 'workload.yaml');
    await command(zipped, '--output', output);
    expect(loadWorkload(await logOf('workload.yaml'))).toEqual(loadWorkload(plain.stdout));

    const { stdout } = await command(path.join(folder, 'connections.log'), '--format', CONNECTIONS);
    const { freshConnections } = loadWorkload(stdout);
    // Four or so kept connections for 390 requests; httpd closes one after 100.
    expect(freshConnections).toBeGreaterThan(0);
    expect(freshConnections).toBeLessThan(0.2);
  });

  it('can be sent again, and every answer is as expected', async () => {
    const { stdout } = await command(path.join(folder, 'timed.log'));
    const { requests } = loadWorkload(stdout);
    const result = await replay({
      target: { host: '127.0.0.1', port },
      authority: 'shop.example',
      requests,
      connections: 4,
      amount: 100,
      signal: new AbortController().signal,
    });
    expect(result).toEqual({ sent: 100, failed: 0 });
  });
});
