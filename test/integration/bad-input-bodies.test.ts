/**
 * Whatever is wrong with a body is answered with 4xx and problem details that name the field; nothing is stored and
 * nothing is given away. What there is to send wrongly comes from the description of the API, so that a new
 * field is tested by being described.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BODIES, changed, changes, filled, operations } from '../support/api-bodies.ts';
import type { Schema } from '../support/api-bodies.ts';
import { write } from '../support/raw-http.ts';
import type { WireRequest } from '../support/raw-http.ts';
import { CANDIDATE } from '../support/real-api.ts';
import {
  authorization,
  expectNamed,
  json,
  problemOf,
  refused,
  useWrongApi,
} from '../support/wrong-api.ts';

const wrongApi = useWrongApi();

describe('a body', () => {
  const withBody = () =>
    [...operations(wrongApi.paths)].filter(
      ([, , { requestBody }]) => requestBody?.content['application/json'] !== undefined,
    );
  const request = (method: string, path: string, body: string | Buffer): WireRequest => ({
    method: method.toUpperCase(),
    path: filled(path),
    headers: { ...json, 'if-match': '"1"' },
    body,
  });

  it('has an example here for every operation, with every field of its schema', () => {
    expect(
      withBody()
        .map(([method, path]) => `${method} ${path}`)
        .sort(),
    ).toEqual(Object.keys(BODIES).sort());
    const { components } = wrongApi.api.app.swagger() as unknown as {
      components: { schemas: Readonly<Record<string, Schema>> };
    };
    for (const [method, path, { requestBody }] of withBody()) {
      const schema = requestBody!.content['application/json']!.schema as Schema & { $ref?: string };
      const { properties } =
        schema.$ref === undefined ? schema : components.schemas[schema.$ref.split('/').at(-1)!]!;
      expect(Object.keys(BODIES[`${method} ${path}`]!).sort(), path).toEqual(
        Object.keys(properties!).sort(),
      );
    }
  });

  it('is refused by the name of the field for every wrong value of every field', async () => {
    let tried = 0;
    for (const [name, body] of Object.entries(BODIES)) {
      const [method = '', path = ''] = name.split(' ');
      for (const { body: wrong, pointer, what } of changes(body)) {
        const text = JSON.stringify(wrong).replace('"__HUGE__"', '1e999');
        const said = `${pointer} = ${what}`;
        const problem = await refused(request(method, path, text), said);
        if (pointer !== '') expectNamed(problem, pointer, said);
        // A choice between two forms cannot say which of them was meant.
        if (what === 'surplus' && pointer !== '/tune') {
          expect(problem.detail, said).toContain('surplus');
        }
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(300);
  });

  it('is refused by the name of the field when one that is needed is missing or empty', async () => {
    for (const [method, path, { requestBody }] of withBody()) {
      const schema = requestBody!.content['application/json']!.schema!;
      for (const field of schema.required ?? []) {
        const body = BODIES[`${method} ${path}`]!;
        for (const value of [undefined, Array.isArray(body[field]) ? [] : '']) {
          const text = JSON.stringify(changed(body, [field], value));
          const problem = await refused(request(method, path, text), `without ${field}`);
          expectNamed(problem, `/${field}`, `${path} without ${field}`);
        }
      }
    }
  });

  it('is refused when a field is huge', async () => {
    const long = 'x'.repeat(200_000);
    const runs = BODIES['post /v1/runs']!;
    for (const [field, value] of Object.entries({
      service: long,
      build: long,
      label: long,
      startedBy: long,
      thresholds: [long],
      against: long,
      wake: { endpoint: long, token: 'a' },
      tune: { evaluations: 1e15, seconds: 1e15 },
    })) {
      const text = JSON.stringify({ ...runs, [field]: value });
      expectNamed(await refused(request('post', '/v1/runs', text), field), `/${field}`, field);
    }
    const many = JSON.stringify({ ...runs, thresholds: Array.from({ length: 50_000 }, () => 7) });
    const problem = await refused(request('post', '/v1/runs', many), 'many');
    expect(problem.errors?.length).toBeLessThanOrEqual(20);
    const path = '/v1/runs/{id}/override';
    const text = JSON.stringify({ ...BODIES[`post ${path}`], reason: 'x'.repeat(2001) });
    expectNamed(await refused(request('post', path, text), 'reason'), '/reason', 'reason');
  });

  it.each<{ what: string; body: string | Buffer; pointer?: string }>([
    { what: 'a deep nest', body: `${'['.repeat(100_000)}${']'.repeat(100_000)}` },
    { what: 'a deep nest of objects', body: `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}` },
    { what: 'a wide list', body: `[${'0,'.repeat(300_000)}0]` },
    {
      what: 'a name twice',
      body: `{"service":"checkout","service":"search","build":"${CANDIDATE}"}`,
      pointer: '/service',
    },
    {
      what: 'a name twice, once in disguise',
      body: `{"service":"checkout","\\u0073ervice":"search"}`,
      pointer: '/service',
    },
    {
      what: 'a name twice, deep inside',
      body: `{"workload":{"rate":1,"requests":[{"name":"a","name":"b"}]}}`,
      pointer: '/workload/requests/0/name',
    },
    {
      what: '__proto__',
      body: `{"__proto__":{"service":"checkout"},"service":"checkout"}`,
      pointer: '/__proto__',
    },
    { what: 'constructor', body: `{"constructor":{"prototype":{"a":1}}}`, pointer: '/constructor' },
    { what: 'a NUL character', body: `{"service":"check\\u0000out"}`, pointer: '/service' },
    { what: 'a NUL character in a name', body: `{"ser\\u0000vice":"checkout"}` },
    { what: 'half a character', body: `{"label":"\\ud83d"}`, pointer: '/label' },
    { what: 'no JSON', body: 'service=checkout' },
    { what: 'half of JSON', body: '{"service":"checkout"' },
    { what: 'JSON and more', body: '{} {}' },
    { what: 'nothing', body: '' },
    { what: 'blanks', body: '   ' },
    { what: 'null', body: 'null' },
    { what: 'a list', body: '[]' },
    { what: 'a text', body: '"checkout"' },
    { what: 'a byte order mark', body: '\ufeff{}' },
    { what: 'no UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) },
    { what: 'UTF-16', body: Buffer.from('{"service":"checkout"}', 'utf16le') },
  ])('that is $what is refused everywhere', async ({ what, body, pointer }) => {
    for (const [method, path] of withBody()) {
      const problem = await refused(request(method, path, body), what);
      if (pointer !== undefined) expectNamed(problem, pointer, what);
      expect(problem.detail).not.toContain('\0');
    }
  });

  it('that is too large is refused, announced or not', async () => {
    const large = `{"label":"${'x'.repeat(1024 * 1024)}"}`;
    expect((await refused(request('post', '/v1/runs', large), 'large')).status).toBe(413);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const head = `POST /v1/runs HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const answer = await write(wrongApi.port, head + chunk.repeat(20));
    expect(problemOf(answer, 'chunked').status).toBe(413);
  });

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['text/xml'],
    ['application/jsonx'],
    ['application/json; charset=utf-16'],
    ['application/json; charset=latin1'],
    ['nonsense'],
  ])('of the type %s is refused', async (type) => {
    for (const [method, path] of withBody()) {
      const text = JSON.stringify(BODIES[`${method} ${path}`]);
      const one = request(method, path, text);
      const problem = await refused(
        { ...one, headers: { ...one.headers, 'content-type': type } },
        type,
      );
      expect(problem.status).toBe(415);
    }
  });

  it('that is compressed is refused', async () => {
    const one = request('post', '/v1/runs', gzipSync(JSON.stringify(BODIES['post /v1/runs'])));
    const headers = { ...one.headers, 'content-encoding': 'gzip' };
    expect((await refused({ ...one, headers }, 'gzip')).status).toBe(415);
  });
});

describe('a build', () => {
  it.each([
    ['that is no WAR', 'x', {}],
    ['in pieces of JSON', '{"a":1}', { 'content-type': 'application/json' }],
    ['without content', '', {}],
  ])('%s is refused and not kept', async (_, body, more) => {
    const path = `/v1/builds/${'c'.repeat(64)}`;
    await refused({ method: 'PUT', path, body, headers: { authorization, ...more } }, 'build');
  });
});
