/** Conventions of the routes about runs: filters, entity tags, what a caller may ask for and read. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Right } from '../identity/rights.ts';
import type { Problem } from '../problems/problem.ts';
import { RefusedError } from '../../runs/run-service.ts';
import { bearer, openApiFixture, runView } from '../../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../../test/support/api-fixture.ts';

let fixture: ApiFixture;
beforeEach(async () => {
  fixture = await openApiFixture();
});
afterEach(() => fixture.close());

const all = bearer('everything');
const get = (url: string, headers: Record<string, string> = all) =>
  fixture.app.inject({ url, headers });
const ids = (answer: { json: () => unknown }): readonly string[] =>
  (answer.json() as { items: { id: string }[] }).items.map(({ id }) => id);

describe('the list of runs', () => {
  const build = 'b'.repeat(64);
  beforeEach(async () => {
    await fixture.runs.begin(runView({ id: 'run-1', requestedBy: 'ann' }));
    await fixture.runs.begin(
      runView({ id: 'run-2', phase: 'finished', decision: 'rollback', cause: 'breached' }),
    );
    await fixture.runs.begin(
      runView({ id: 'run-3', phase: 'finished', decision: 'rollback', cause: 'invalid', build }),
    );
  });

  it.each([
    ['decision=rollback', ['run-3', 'run-2']],
    ['cause=invalid', ['run-3']],
    ['requestedBy=ann', ['run-1']],
    [`build=${build}`, ['run-3']],
    ['phase=queued', ['run-1']],
    ['service=checkout&decision=rollback&cause=breached', ['run-2']],
    ['service=another', []],
  ])('is narrowed by %s', async (query, expected) => {
    expect(ids(await get(`/v1/runs?${query}`))).toEqual(expected);
  });

  it.each([
    'decision=maybe',
    'cause=none',
    'phase=resting',
    'build=abc',
    'limit=0',
    'requestedBy=',
  ])('is not narrowed by %s', async (query) => {
    const answer = await get(`/v1/runs?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<Problem>().errors?.[0]?.pointer).toBe(`/${query.split('=')[0]!}`);
  });

  it('gives each run where it waits in the queue', async () => {
    expect((await get('/v1/queue')).json()).toMatchObject({
      items: [{ id: 'run-1', queue: { ahead: 0 }, links: { self: '/v1/runs/run-1' } }],
    });
  });
});

describe('an override', () => {
  const post = (headers: Record<string, string>) =>
    fixture.app.inject({
      method: 'POST',
      url: '/v1/runs/run-1/override',
      headers: { ...all, 'content-type': 'application/json', ...headers },
      payload: { order: 'rollback', reason: 'errors at night' },
    });
  beforeEach(() => fixture.runs.begin(runView()));

  it('names the run as it was read', async () => {
    const { etag } = (await get('/v1/runs/run-1')).headers;
    expect(etag).toBe('"1-0-none"');
    for (const tag of [String(etag), `W/${String(etag)}`]) {
      expect((await post({ 'if-match': tag })).statusCode).toBe(202);
    }
    expect(fixture.runs.calls.map(({ arguments: given }) => given[1])).toEqual([
      { order: 'rollback', reason: 'errors at night', seen: '1-0-none' },
      { order: 'rollback', reason: 'errors at night', seen: '1-0-none' },
    ]);
  });

  it.each([{}, { 'if-match': '*' }, { 'if-match': '1-0-none' }, { 'if-match': '' }])(
    'is not taken with %j',
    async (headers) => {
      const answer = await post(headers);
      expect(answer.json<Problem>()).toMatchObject({ status: 428, code: 'precondition-required' });
      expect(fixture.runs.calls).toEqual([]);
    },
  );

  it.each([
    ['stale-decision', 412],
    ['own-run', 409],
    ['person-needed', 409],
    ['expires-too-late', 422],
    ['reason-too-short', 422],
  ] as const)('that is refused as %s answers %i', async (code, status) => {
    fixture.runs.refusal = new RefusedError(code, 'not like this');
    expect((await post({ 'if-match': '"1-0-none"' })).json<Problem>()).toMatchObject({
      status,
      code,
    });
  });
});

describe('a request for a run', () => {
  const post = (payload: object, right: Right | 'everything' = 'run') =>
    fixture.app.inject({
      method: 'POST',
      url: '/v1/runs',
      headers: { ...bearer(right), 'content-type': 'application/json' },
      payload: { service: 'checkout', build: 'a'.repeat(64), ...payload },
    });

  it('takes the right to promote when it is to promote by itself', async () => {
    expect((await post({ promote: 'auto' })).json<Problem>()).toMatchObject({
      status: 403,
      detail: expect.stringContaining('promote') as string,
    });
    expect((await post({ promote: 'manual' })).statusCode).toBe(202);
    expect((await post({ promote: 'auto' }, 'everything')).statusCode).toBe(202);
  });

  it('tells the rules what the caller may ask for', async () => {
    await post({});
    await post({}, 'everything');
    expect(fixture.runs.calls.map(({ arguments: given }) => given[3])).toEqual([
      { mayLoosen: false, mayRepeat: false },
      { mayLoosen: true, mayRepeat: true },
    ]);
  });

  it('waits outside while the queue of the service is full', async () => {
    fixture.runs.refusal = new RefusedError('queue-full', '20 runs are queued', '/service');
    expect((await post({})).json<Problem>()).toMatchObject({ status: 429, code: 'queue-full' });
  });
});

describe('events', () => {
  beforeEach(async () => {
    await fixture.runs.begin(runView());
    await fixture.runs.emit('run-1', 'one');
  });
  const events = (id: string) =>
    get('/v1/runs/run-1/events', { ...all, accept: 'application/json', 'last-event-id': id });

  it.each([
    ['0', 1],
    ['1', 0],
  ])('go on after Last-Event-ID %s', async (id, left) => {
    expect((await events(id)).json<{ events: object[] }>().events).toHaveLength(left);
  });

  it.each(['2', '999', '0x1', '1e0', ' ', '-1', '1.0', '9'.repeat(30), 'run-1'])(
    'do not go on after %j, which is no event of the run',
    async (id) => {
      const answer = await events(id);
      expect(answer.statusCode).toBe(400);
      expect(answer.json<Problem>().errors?.[0]?.pointer).toBe('/last-event-id');
    },
  );
});

describe('services', () => {
  it.each(['history', 'decisions', 'promotions'])('have pages of %s', async (what) => {
    expect((await get(`/v1/services/checkout/${what}?limit=5`)).json()).toEqual({ items: [] });
    expect((await get(`/v1/services/nobody/${what}`)).json<Problem>()).toMatchObject({
      status: 404,
      code: 'unknown-service',
    });
  });

  it('say by which rules they are judged', async () => {
    expect((await get('/v1/services/checkout')).json()).toMatchObject({
      rules: { thresholds: ['errors < 1%'], fourEyes: false, limits: { queued: 20 } },
    });
    expect((await get('/v1/services/checkout/configuration')).json()).toEqual({});
    expect((await get('/v1/services/checkout/trend?limit=10')).json()).toEqual({ items: [] });
  });
});

describe('JSON Schemas', () => {
  const check = async (name: string) => {
    const answer = await get(`/v1/schemas/${name}.json`, {});
    expect(answer.headers['content-type']).toContain('application/schema+json');
    const schema = z.fromJSONSchema(answer.json<Parameters<typeof z.fromJSONSchema>[0]>());
    return (value: unknown): boolean => schema.safeParse(value).success;
  };
  const workload = { rate: 100, requests: [{ name: 'cart', path: '/cart' }] };
  const service = { name: 'shop', hosts: ['shop'], workload, thresholds: ['errors < 1%'] };

  it('tell a catalogue from what is none, to anybody', async () => {
    const valid = await check('catalogue');
    expect(valid({ services: [service] })).toBe(true);
    expect(valid({ services: [{ ...service, tresholds: [] }] })).toBe(false);
    expect(valid({ services: [{ ...service, limits: { queued: 0 } }] })).toBe(false);
  });

  it('tell a workload from what is none', async () => {
    const valid = await check('workload');
    expect(valid(workload)).toBe(true);
    expect(valid({ ...workload, rate: 'fast' })).toBe(false);
  });
});
