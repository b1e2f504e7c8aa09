import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../runs/run-service.ts';
import { IdempotencyConflictError } from '../runs/run-store.ts';
import { rightSchema } from './identity/rights.ts';
import type { RequiredRight, Right } from './identity/rights.ts';
import type { Problem } from './problems/problem.ts';
import {
  bearer,
  MAX_BUILD_BYTES,
  openApiFixture,
  runView,
} from '../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../test/support/api-fixture.ts';
import { makeZip } from '../../../test/support/make-zip.ts';

let fixture: ApiFixture;
beforeEach(async () => {
  fixture = await openApiFixture();
});
afterEach(() => fixture.close());

const build = 'a'.repeat(64);
const all = bearer('everything');

describe('rights', () => {
  /** A request to a route of the description, with something in every parameter. */
  function requestTo(path: string, method: string) {
    return {
      method: method.toUpperCase() as 'GET',
      url: path
        .replace('{sha256}', build)
        .replace('{id}', 'run-9')
        .replace('{name}', 'nobody')
        .replace('{judgement}', 'judgement-9'),
    };
  }

  it('are asked for at every route: none without a token, each with its right alone', async () => {
    const { paths } = fixture.app.swagger() as unknown as {
      paths: Record<string, Record<string, { 'x-right': RequiredRight }>>;
    };
    const seen: string[] = [];
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { 'x-right': required }] of Object.entries(operations)) {
        seen.push(`${method} ${path} ${required}`);
        const request = requestTo(path, method);
        const anonymous = await fixture.app.inject(request);
        if (required === 'public') {
          expect(anonymous.statusCode).toBe(200);
          continue;
        }
        expect(anonymous.statusCode, `${method} ${path} without a token`).toBe(401);
        expect(anonymous.headers['www-authenticate']).toMatch(/^Bearer/);
        for (const right of rightSchema.options) {
          const { statusCode } = await fixture.app.inject({ ...request, headers: bearer(right) });
          if (right === required || required === 'any')
            expect([401, 403]).not.toContain(statusCode);
          else expect(statusCode, `${method} ${path} with only ${right}`).toBe(403);
        }
      }
    }
    // Written out, so that a right that becomes laxer is a change that somebody reads.
    expect(seen.sort()).toStrictEqual([
      'get /healthz public',
      'get /readyz public',
      'get /v1/audit admin',
      'get /v1/builds/{sha256} read',
      'get /v1/deliveries admin',
      'get /v1/me any',
      'get /v1/promotions/{id} read',
      'get /v1/queue read',
      'get /v1/runs read',
      'get /v1/runs/{id} read',
      'get /v1/runs/{id}/events read',
      'get /v1/runs/{id}/evidence read',
      'get /v1/runs/{id}/judgements read',
      'get /v1/runs/{id}/judgements/{judgement} read',
      'get /v1/runs/{id}/junit.xml read',
      'get /v1/runs/{id}/report.html read',
      'get /v1/runs/{id}/results.jtl read',
      'get /v1/runs/{id}/samples read',
      'get /v1/schemas/catalogue.json public',
      'get /v1/schemas/workload.json public',
      'get /v1/services read',
      'get /v1/services/{name} read',
      'get /v1/services/{name}/configuration read',
      'get /v1/services/{name}/decisions read',
      'get /v1/services/{name}/history read',
      'get /v1/services/{name}/promotions read',
      'get /v1/services/{name}/trend read',
      'get /v1/sign-in public',
      'post /v1/deliveries/{id}/retry admin',
      'post /v1/runs run',
      'post /v1/runs/{id}/cancel run',
      'post /v1/runs/{id}/judgements run',
      'post /v1/runs/{id}/override override',
      'post /v1/services/{name}/promotions promote',
      'put /v1/builds/{sha256} run',
      'put /v1/services/{name}/reference override',
    ]);
  });

  it('are needed for the metrics too', async () => {
    expect((await fixture.app.inject('/metrics')).statusCode).toBe(401);
    const answer = await fixture.app.inject({ url: '/metrics', headers: bearer('read') });
    expect(answer.statusCode).toBe(200);
  });

  it.each([
    ['', /a token is needed/],
    ['Basic dXNlcjpwYXNz', /a token is needed/],
    ['Bearer', /a token is needed/],
    ['Bearer wrong', /at least 20 characters/],
    [`Bearer ${bearer('read').authorization.slice(7, -1)}`, /not known here/],
    [`Bearer ${'x'.repeat(8000)}`, /not known here/],
  ])('are not given for the header %j', async (authorization, detail) => {
    const answer = await fixture.app.inject({ url: '/v1/runs', headers: { authorization } });
    expect(answer.statusCode).toBe(401);
    expect(answer.json<Problem>()).toMatchObject({
      code: 'unauthorized',
      detail: expect.stringMatching(detail) as string,
    });
  });

  it('slow down an address that keeps guessing, and leave its rightful users alone', async () => {
    let last = 0;
    for (let n = 0; n < 40 && last !== 429; n += 1) {
      const answer = await fixture.app.inject({
        url: '/v1/runs',
        headers: { authorization: `Bearer guess-${String(n)}` },
      });
      last = answer.statusCode;
    }
    expect(last).toBe(429);
    expect((await fixture.app.inject({ url: '/v1/runs', headers: all })).statusCode).toBe(200);
  });

  it('cannot be forgotten at a route', async () => {
    const { requireRights } = await import('./identity/authenticate.ts');
    const { default: Fastify } = await import('fastify');
    const { createTokenBook } = await import('./identity/token-book.ts');
    const app = Fastify();
    requireRights(app, createTokenBook([]));
    expect(() => app.get('/open', () => 'x')).toThrow(/GET \/open does not say what right/);
    await app.close();
  });

  it('do not tell a stranger which paths exist', async () => {
    const answer = await fixture.app.inject('/v1/nothing');
    expect(answer.statusCode).toBe(401);
    expect((await fixture.app.inject({ url: '/v1/nothing', headers: all })).statusCode).toBe(404);
  });
});

describe('builds', () => {
  const war = makeZip({ 'WEB-INF/web.xml': '<web-app/>' });
  const digest = createHash('sha256').update(war).digest('hex');
  const put = (sha256: string, payload: Buffer, headers: Record<string, string> = {}) =>
    fixture.app.inject({
      method: 'PUT',
      url: `/v1/builds/${sha256}`,
      headers: { ...bearer('run'), 'content-type': 'application/octet-stream', ...headers },
      payload,
    });

  it('are new once, and known afterwards', async () => {
    expect((await put(digest, war)).statusCode).toBe(201);
    expect((await put(digest, war, { 'content-type': 'application/json' })).statusCode).toBe(200);
    const known = await fixture.app.inject({ url: `/v1/builds/${digest}`, headers: all });
    expect(known.json()).toMatchObject({ sha256: digest, uploadedBy: 'only-run' });
    expect(known.body).not.toContain(fixture.directory);
    const audit = await fixture.store.audit({ subject: digest }, { limit: 5 });
    expect(audit.items.map((entry) => [entry.actor, entry.action])).toStrictEqual([
      ['only-run', 'build.upload'],
    ]);
  });

  it.each([
    ['another content', 'b'.repeat(64), war, 422, 'digest-mismatch'],
    ['no WAR', createHash('sha256').update('x').digest('hex'), Buffer.from('x'), 422, 'not-a-war'],
    ['too much', digest, Buffer.alloc(MAX_BUILD_BYTES + 1), 413, 'too-large'],
    ['no digest', '..%2F..%2Fetc', war, 400, 'invalid-request'],
    ['a digest in capitals', 'A'.repeat(64), war, 400, 'invalid-request'],
  ])('are refused: %s', async (_, sha256, payload, status, code) => {
    const answer = await put(sha256, payload);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json<Problem>().code).toBe(code);
    expect(await fixture.store.build(sha256)).toBeUndefined();
  });
});

describe('runs', () => {
  const post = (payload: unknown, headers: Record<string, string> = {}) =>
    fixture.app.inject({
      method: 'POST',
      url: '/v1/runs',
      headers: { ...bearer('run'), 'content-type': 'application/json', ...headers },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    });

  it('are accepted with the place where they can be followed', async () => {
    const answer = await post({ service: 'checkout', build }, { 'idempotency-key': 'job-1' });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe('/v1/runs/run-1');
    expect(answer.json()).toMatchObject({ id: 'run-1', phase: 'queued', ahead: 0 });
    expect(fixture.runs.calls[0]?.arguments).toStrictEqual([
      { service: 'checkout', build },
      'only-run',
      'job-1',
      { mayLoosen: false, mayRepeat: false },
    ]);
    const again = await post({ service: 'checkout', build }, { 'idempotency-key': 'job-1' });
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it.each([
    ['no body', '', 400, ''],
    ['no JSON', '{', 400, ''],
    ['a list', [], 400, ''],
    ['an unknown field', { service: 'a', build, target: 'http://x' }, 400, 'target'],
    ['a build that is no digest', { service: 'a', build: 'x' }, 400, '/build'],
    ['a threshold that is no text', { service: 'a', build, thresholds: [5] }, 400, '/thresholds/0'],
    [
      'a workload without requests',
      { service: 'a', build, workload: { rate: 1, requests: [] } },
      400,
      '/workload/requests',
    ],
    [
      'tuning without end',
      { service: 'a', build, tune: { evaluations: 1e9, seconds: 1 } },
      400,
      '/tune',
    ],
    ['a prototype', '{"service":"a","__proto__":{"x":1}}', 400, ''],
    ['too much', `{"service":"${'x'.repeat(2_000_000)}"}`, 413, ''],
  ])('are refused before anything happens: %s', async (_, payload, status, pointer) => {
    const answer = await post(payload);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json<Problem>().detail).toContain(pointer);
    expect(fixture.runs.calls).toStrictEqual([]);
  });

  it('are refused in another type than JSON', async () => {
    const answer = await post('service=a', { 'content-type': 'text/plain' });
    expect(answer.statusCode).toBe(415);
  });

  it.each<[Error, number]>([
    [new RefusedError('unknown-service', 'no such service', '/service'), 422],
    [
      new RefusedError('invalid-threshold', 'p95 < \n      ^ expected a limit', '/thresholds/0'),
      422,
    ],
    [new RefusedError('loosened', 'looser than the catalogue', '/thresholds/0'), 422],
    [new RefusedError('not-judged', 'never judged'), 409],
    [new IdempotencyConflictError('k'), 422],
  ])('say why they were refused: %s', async (error, status) => {
    fixture.runs.refusal = error;
    const answer = await post({ service: 'checkout', build });
    expect(answer.statusCode).toBe(status);
    const problem = answer.json<Problem>();
    expect(problem.detail).toBe(error.message);
    if (error instanceof RefusedError) {
      expect(problem.code).toBe(error.code);
      expect(problem.errors?.[0]?.pointer).toBe(error.field);
    }
  });

  it('never show what failed inside', async () => {
    fixture.runs.refusal = new Error('SQLITE_CORRUPT at /secret/place');
    const answer = await post({ service: 'checkout', build });
    expect(answer.statusCode).toBe(500);
    expect(answer.json<Problem>().code).toBe('internal-error');
    expect(answer.body).not.toContain('secret');
  });

  it('leave out a number that is infinite, and keep its sentence', async () => {
    const outcome = {
      threshold: 'p99 < 1s',
      outcome: 'breached',
      unit: 'ms',
      effect: Infinity,
      low: 5,
      confidence: 0.95,
      limit: 1000,
      sentence: 'one in fifty never came back',
    } as const;
    await fixture.runs.begin(runView({ evidence: [outcome] }));
    const answer = await fixture.app.inject({ url: '/v1/runs/run-1', headers: all });
    expect(answer.statusCode).toBe(200);
    const [shown] = answer.json<{ evidence: object[] }>().evidence;
    expect(shown).not.toHaveProperty('effect');
    expect({ ...shown, effect: Infinity }).toStrictEqual(outcome);
  });

  it('are cancelled and overridden in the name of the token', async () => {
    await fixture.runs.begin(runView());
    const headers = { ...all, 'content-type': 'application/json', 'if-match': '"1-0-none"' };
    const cancel = await fixture.app.inject({
      method: 'POST',
      url: '/v1/runs/run-1/cancel',
      headers: all,
    });
    expect(cancel.statusCode).toBe(202);
    const order = {
      order: 'promote',
      reason: '  a known regression ',
      expiresAt: '2026-01-02T00:00:00Z',
    };
    const url = '/v1/runs/run-1/override';
    const override = await fixture.app.inject({ method: 'POST', url, headers, payload: order });
    expect(override.statusCode).toBe(202);
    expect(fixture.runs.calls).toStrictEqual([
      { name: 'cancel', arguments: ['run-1', 'everything'] },
      {
        name: 'override',
        arguments: [
          'run-1',
          { ...order, reason: 'a known regression', seen: '1-0-none' },
          'everything',
        ],
      },
    ]);
    for (const wrong of [
      { ...order, reason: 'too short' },
      { ...order, reason: `   ${' '.repeat(20)}x` },
      { ...order, order: 'pass' },
      { ...order, expiresAt: 'tomorrow' },
      { ...order, actor: 'somebody else' },
    ]) {
      const answer = await fixture.app.inject({ method: 'POST', url, headers, payload: wrong });
      expect(answer.statusCode).toBe(400);
    }
    const missing = await fixture.app.inject({
      method: 'POST',
      url: '/v1/runs/run-7/cancel',
      headers: all,
    });
    expect(missing.json<Problem>()).toMatchObject({ status: 404, code: 'unknown-run' });
  });
});

describe('events as a list', () => {
  it('are those after a number', async () => {
    await fixture.runs.begin(runView());
    for (const message of ['one', 'two', 'three']) await fixture.runs.emit('run-1', message);
    const get = async (url: string, headers = {}) => {
      const answer = await fixture.app.inject({ url, headers: { ...all, ...headers } });
      return answer
        .json<{ events: { sequence: number }[] }>()
        .events.map((event) => event.sequence);
    };
    const accept = { accept: 'application/json' };
    expect(await get('/v1/runs/run-1/events?after=1', accept)).toStrictEqual([2, 3]);
    expect(await get('/v1/runs/run-1/events?after=3')).toStrictEqual([]);
    expect(await get('/v1/runs/run-1/events', accept)).toStrictEqual([1, 2, 3]);
    for (const after of ['-1', 'x', '1.5', '1e99']) {
      const url = `/v1/runs/run-1/events?after=${after}`;
      expect((await fixture.app.inject({ url, headers: all })).statusCode).toBe(400);
    }
  });
});

describe('services', () => {
  it('are listed, and an unknown one is said to be so', async () => {
    const list = await fixture.app.inject({ url: '/v1/services', headers: all });
    expect(list.json()).toMatchObject({ items: [{ name: 'checkout' }] });
    for (const url of ['/v1/services/nobody', '/v1/services/nobody/history']) {
      const answer = await fixture.app.inject({ url, headers: all });
      expect(answer.json<Problem>()).toMatchObject({ status: 404, code: 'unknown-service' });
    }
  });

  it('are promoted to what was judged only', async () => {
    const order = { build, configuration: 'c'.repeat(64), reason: 'back to the last known good' };
    const request = {
      method: 'POST',
      url: '/v1/services/checkout/promotions',
      headers: bearer('promote'),
      payload: order,
    } as const;
    const answer = await fixture.app.inject(request);
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe('/v1/promotions/promotion-1');
    await fixture.app.inject({ ...request, headers: bearer('pipeline') });
    expect(fixture.runs.calls.map((call) => call.arguments)).toStrictEqual([
      ['checkout', { ...order, byPerson: true }, 'only-promote'],
      ['checkout', { ...order, byPerson: false }, 'pipeline'],
    ]);
    fixture.runs.refusal = new RefusedError('not-judged', 'this pair was never judged');
    expect((await fixture.app.inject(request)).json<Problem>()).toMatchObject({
      status: 409,
      code: 'not-judged',
    });
  });
});

describe('operations', () => {
  it('is unready while it drains, alive all the time', async () => {
    expect((await fixture.app.inject('/readyz')).json()).toMatchObject({ status: 'ready' });
    fixture.app.drain();
    const answer = await fixture.app.inject('/readyz');
    expect(answer.json<Problem>()).toMatchObject({ status: 503, code: 'draining' });
    expect((await fixture.app.inject('/healthz')).statusCode).toBe(200);
  });

  it('is unready without its database', async () => {
    await fixture.store.close();
    expect((await fixture.app.inject('/readyz')).json<Problem>().code).toBe('database-unavailable');
  });

  it('counts runs by decision and cause, the queue, phases once, and requests', async () => {
    const base = fixture.store;
    await fixture.runs.begin(runView({ id: 'run-1' }));
    await fixture.runs.begin(runView({ id: 'run-2' }));
    await base.updateRun('run-2', 1, {
      phase: 'finished',
      decision: 'rollback',
      cause: 'breached',
      finishedAt: new Date(Date.now() + 1000).toISOString(),
      phases: [
        { phase: 'measuring', startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:30Z' },
      ],
    });
    const scrape = async () => (await fixture.app.inject({ url: '/metrics', headers: all })).body;
    await scrape();
    const text = await scrape();
    for (const line of [
      'speed_gate_runs_finished_total{service="checkout",decision="rollback",cause="breached"} 1',
      'speed_gate_runs_unfinished{phase="queued"} 1',
      'speed_gate_run_phase_seconds_count{service="checkout",phase="measuring"} 1',
      'speed_gate_run_phase_seconds_sum{service="checkout",phase="measuring"} 30',
      'speed_gate_http_request_duration_seconds_count{method="GET",route="/metrics",status="200"} 1',
    ]) {
      expect(text).toContain(line);
    }
  });

  it('gives browsers no room', async () => {
    for (const [url, right] of [
      ['/', 'read'],
      ['/v1/runs', 'read'],
      ['/v1/runs', undefined],
    ] as [string, Right?][]) {
      const { headers } = await fixture.app.inject({
        url,
        headers: right === undefined ? {} : bearer(right),
      });
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
    }
  });
});
