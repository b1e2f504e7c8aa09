import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadWorkload } from '../workload-file.ts';
import { renderRequest, type Workload } from '../workload.ts';
import { workloadFromAccessLog, type AccessLogOptions } from './from-access-log.ts';
import { MAX_LINE_BYTES } from './lines.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'from-access-log-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const START = Date.UTC(2025, 9, 10, 12, 0, 0) / 1000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function stamp(second: number): string {
  const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(
    new Date(second * 1000).toISOString(),
  )!;
  return `[${day}/${MONTHS[Number(month) - 1]}/${year}:${time} +0000]`;
}

const line = (request: string, status = 200, at = 0, extra = ''): string =>
  `10.1.2.3 - alice ${stamp(START + at)} "${request}" ${status} 17 "https://r/?token=refsecret" "agentsecret" 1500${extra}`;
const get = (path: string, status = 200, at = 0): string =>
  line(`GET ${path} HTTP/1.1`, status, at);

async function made(
  log: string | Buffer,
  options: AccessLogOptions = {},
): Promise<{ text: string; remarks: string; workload: Workload }> {
  const file = join(folder, 'access.log');
  writeFileSync(file, log);
  const { text, remarks } = await workloadFromAccessLog([file], options);
  return { text, remarks: remarks.join('\n'), workload: loadWorkload(text) };
}

const many = (count: number, one: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => one(index));

describe('the mix', () => {
  it('has the kinds with their shares, statuses and parameters', async () => {
    const log = [
      ...many(60, (i) => get(`/products/${i}?view=full&q=word${i}`, i === 0 ? 500 : 200, i)),
      ...many(30, (i) => get('/cart', i % 2 === 0 ? 200 : 304, i)),
      ...many(10, (i) => line('HEAD /old HTTP/1.1', 301, i)),
      ...many(7, (i) => line('POST /orders HTTP/1.1', 201, i)),
      ...many(5, (i) => get(`/wp-login-${'abcdefgh'[i]}.php`, 404, i)),
      'garbage',
      line('\\x16\\x03\\x01', 400),
      line('CONNECT x:443 HTTP/1.1', 405),
    ];
    const { workload, remarks, text } = await made(log.join('\n'));
    expect(
      workload.requests.map(({ name, weight, method, path, expect: { status } }) => [
        name,
        weight,
        method,
        path,
        status,
      ]),
    ).toEqual([
      ['products-id', 60, 'GET', '/products/${sequence}?q=${sequence}&view=${sequence}', 200],
      ['cart', 30, 'GET', '/cart', 200],
      ['head-old', 10, 'HEAD', '/old', 301],
    ]);
    // 105 counted requests in 60 s, 100 of them kept.
    expect(workload.rate).toBeCloseTo(100 / 60, 3);
    expect(remarks).toContain(
      '100 of 115 lines are in it, from 2025-10-10T12:00:00Z to 2025-10-10T12:00:59Z',
    );
    expect(remarks).toContain('7 left out because their method changes something');
    expect(remarks).toContain('5 of kinds that mostly failed');
    expect(remarks).toContain('2 that are no HTTP requests');
    expect(remarks).toContain('1 not in the log format');
    expect(text).toContain('# Made by `speed-gate workload from-access-log` from "access.log".');
    expect(text).not.toMatch(/word\d|full|10\.1\.2\.3|alice|refsecret|agentsecret/);
  });

  it('takes what changes something, and values, only when told to', async () => {
    const log = many(20, (i) =>
      line(`POST /orders?kind=${i % 4 === 0 ? 'gift' : 'plain'}&user=bob HTTP/1.1`, 201, i),
    );
    await expect(made(log.join('\n'))).rejects.toThrow('20 left out because their method');
    const { workload, text } = await made(log.join('\n'), {
      includeUnsafe: true,
      allowQuery: ['kind'],
    });
    const [order] = workload.requests;
    expect(order).toMatchObject({
      method: 'POST',
      path: '/orders?kind=${data.kind}&user=${sequence}',
    });
    const rows = order!.data!.rows.flat();
    expect(rows.filter((value) => value === 'gift').length / rows.length).toBeCloseTo(0.25, 1);
    expect(renderRequest(order!, 5).path).toMatch(/^\/orders\?kind=(gift|plain)&user=5$/);
    expect(text).not.toContain('bob');
  });

  it('keeps the routes when a scanner makes up thousands of paths, and takes names for values', async () => {
    const letters = (i: number): string =>
      i
        .toString(26)
        .padStart(4, '0')
        .replace(/./g, (c) => String.fromCharCode(97 + parseInt(c, 26)));
    const log = [
      ...many(300, (i) => get('/search', 200, i)),
      ...many(200, (i) => get(`/shelf/${letters(i)}`, 200, i)),
      ...many(25_000, (i) => get(`/${letters(i)}/x`, 404, i % 300)),
    ];
    const { workload, remarks } = await made(log.join('\n'));
    expect(workload.requests.map(({ path }) => path)).toEqual(['/search', '/shelf/${sequence}']);
    expect(remarks).toContain('of kinds that mostly failed left out');
  });

  it('has as many kinds as are wanted, and a rate that goes with them', async () => {
    const log = many(100, (i) => get(i < 50 ? '/a' : i < 80 ? '/b' : '/c', 200, i % 50));
    const { workload } = await made(log.join('\n'), { maxKinds: 2 });
    expect(workload.requests.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(workload.rate).toBeCloseTo(80 / 50, 3);
    expect((await made(log.join('\n'), { maxRate: 0.5 })).workload.rate).toBe(0.5);
  });

  it('goes by the busiest hour, in whatever order and however long the log is', async () => {
    const log = [
      ...many(100, (day) => get('/a', 200, day * 86_400)),
      ...many(7200, (i) => get('/a', 200, 50 * 86_400 + Math.floor(i / 2))),
    ];
    expect((await made(log.join('\n'))).workload.rate).toBeCloseTo(7201 / 3600, 2);
    expect((await made(log.reverse().join('\n'))).workload.rate).toBeCloseTo(7201 / 3600, 2);
  });

  it('leaves other hosts out, and tells fresh connections where the log does', async () => {
    const format = '%v %t "%r" %>s %k';
    const log = many(
      40,
      (i) =>
        `${i % 2 === 0 ? 'a.example' : 'b.example'} ${stamp(START + i)} "GET /${i % 2 === 0 ? 'a' : 'b'} HTTP/1.1" 200 ${i % 8 === 0 ? 0 : 1}`,
    );
    const { workload, remarks } = await made(log.join('\n'), { format, host: 'A.example' });
    expect(workload.requests.map(({ path }) => path)).toEqual(['/a']);
    expect(workload.freshConnections).toBe(0.25);
    expect(remarks).toContain('20 to other hosts left out');
    expect((await made(get('/a'))).remarks).toContain(
      'does not tell the share of fresh connections',
    );
  });
});

describe('the file', () => {
  it('may be gzip, in several members, with long lines and without a last line end', async () => {
    const long = get(`/a?x=${'y'.repeat(MAX_LINE_BYTES)}`);
    const log = [get('/a'), long, get('/a')].join('\r\n');
    const plain = await made(log);
    expect(plain.workload.requests[0]?.weight).toBe(2);
    expect(plain.remarks).toContain('1 not in the log format');
    const zipped = await made(Buffer.concat([gzipSync(`${log}\n`), gzipSync(log)]));
    expect(zipped.workload.requests[0]?.weight).toBe(4);
  });

  it.each([
    ['cut off', gzipSync('x'.repeat(10_000)).subarray(0, -12), 'gzip data ends early'],
    [
      'damaged',
      Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(50, 7)]),
      'gzip data is damaged',
    ],
    ['empty', '', 'no workload can be made of it: 0 of 0 lines'],
    ['something else', 'a\nb\n', '2 not in the log format'],
  ])('%s: says so', async (_, content, problem) => {
    await expect(made(content)).rejects.toThrow(problem);
  });

  it('says when it is not there', async () => {
    await expect(workloadFromAccessLog([join(folder, 'none.log')])).rejects.toThrow('ENOENT');
  });
});

describe('whatever the log holds', () => {
  // Values that no route or name of a parameter could be, so that finding one is a leak.
  const secret = fc.oneof(
    fc.nat({ max: 1e9 }).map((n) => `7Zq7${n}Zq7`),
    fc.stringMatching(/^7Zq7[a-z0-9%@.~!$'()*,:;=+-]{1,40}$/),
    fc.uuid().map((id) => `7Zq7-${id}`),
  );
  const word = fc.constantFrom('search', 'cart', 'api', 'v1', 'users', 'order-items', 'index.html');
  const name = fc.constantFrom('q', 'page', 'id', 'sort', 'utm_source', 'a[b]', '');
  const path = fc
    .array(fc.oneof(word, secret), { maxLength: 6 })
    .map((segments) => `/${segments.join('/')}`);
  const query = fc
    .array(
      fc.oneof(
        fc.tuple(name, secret).map(([n, v]) => `${n}=${v}`),
        secret,
      ),
      { maxLength: 4 },
    )
    .map((parts) => (parts.length === 0 ? '' : `?${parts.join('&')}`));
  const target = fc.tuple(fc.constantFrom('', 'http://Zq7user:Zq7pw@shop.example'), path, query);
  const method = fc.constantFrom(
    'GET',
    'GET',
    'GET',
    'HEAD',
    'OPTIONS',
    'POST',
    'PUT',
    'DELETE',
    'CONNECT',
    'PRI',
  );
  const requestLine = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(method, target).map(([m, parts]) => `${m} ${parts.join('')} HTTP/1.1`),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  );
  /** As httpd writes it: ap_escape_logitem. */
  const escaped = (text: string): string =>
    [...Buffer.from(text, 'utf8')]
      .map((byte) => {
        const char = String.fromCharCode(byte);
        if (char === '"' || char === '\\') return `\\${char}`;
        return byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, '0')}` : char;
      })
      .join('');
  const entry = fc.record({
    request: requestLine,
    status: fc.constantFrom(200, 200, 200, 201, 301, 304, 404, 500),
    at: fc.nat({ max: 5000 }),
    user: fc.oneof(
      fc.constant('-'),
      secret.filter((text) => !text.includes(' ')),
    ),
    agent: fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `Zq7${text}`),
  });
  const anyLine = fc.oneof(
    {
      weight: 8,
      arbitrary: entry.map(
        ({ request, status, at, user, agent }) =>
          `1.2.3.4 - ${user} ${stamp(START + at)} "${escaped(request)}" ${status} 5 "${escaped(agent)}" "${escaped(agent)}" ${at}`,
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  );

  it('the workload loads, holds no value and no identifier, and its rates add up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLine, { maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 8 }),
        async (lines, includeUnsafe, maxKinds) => {
          // One request that can be sent is always there.
          const log = [...lines, get('/search')].join('\n');
          const { text, remarks, workload } = await made(Buffer.from(log, 'utf8'), {
            includeUnsafe,
            maxKinds,
          });
          expect(`${text}${remarks}`).not.toMatch(/Zq7|zq7|1\.2\.3\.4/);
          const { requests } = workload;
          expect(requests.length).toBeLessThanOrEqual(maxKinds);
          if (!includeUnsafe) {
            expect(
              requests.map(({ method: one }) => one).filter((one) => !/GET|HEAD|OPTIONS/.test(one)),
            ).toEqual([]);
          }
          const kept = requests.reduce((sum, { weight }) => sum + weight, 0);
          expect(remarks).toMatch(new RegExp(`^${kept} of \\d+ lines`));
          expect(workload.rate).toBeGreaterThan(0);
          for (const { path: one, headers, body } of requests) {
            expect(one).toMatch(/^\/[A-Za-z0-9._/?=&${}-]*$/);
            expect(headers).toEqual({});
            expect(body).toBeUndefined();
            for (const segment of one.split('?')[0]!.replaceAll('${sequence}', '').split('/')) {
              expect(segment).not.toMatch(/^\d+$|[0-9a-f]{8}|@|%|\d{4}/i);
            }
          }
          // Round trip: what it is read as is what it says.
          expect(loadWorkload(JSON.stringify(workload))).toEqual(workload);
        },
      ),
      { numRuns: 60 },
    );
  });
});
