import { describe, expect, it } from 'vitest';
import { loadWorkload, WorkloadError } from './workload-file.ts';
import { createAnswerCheck } from './answer.ts';
import { workloadJsonSchema } from './workload-schema.ts';
import {
  isIdempotent,
  isSafe,
  meanRate,
  nonIdempotentRequests,
  renderRequest,
} from './workload.ts';

const good = `
rate: 150
requests:
  - name: search
    weight: 3
    path: /search?q=\${sequence}
    expect: { status: 200, bodyPattern: "result" }
  - name: order
    method: POST
    path: /orders
    headers: { content-type: application/json, idempotency-key: "k-\${sequence}" }
    body: '{"number":\${sequence},"again":\${sequence}}'
`;

function problemsOf(text: string): string {
  try {
    loadWorkload(text, 'speedgate.yaml');
  } catch (error) {
    if (error instanceof WorkloadError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('loadWorkload', () => {
  it('fills in the defaults', () => {
    const workload = loadWorkload(good);
    expect(workload).toMatchObject({ rate: 150, arrivals: 'poisson', freshConnections: 0 });
    expect(workload.requests[0]).toMatchObject({ method: 'GET', headers: {} });
    expect(workload.requests[1]).toMatchObject({ weight: 1, expect: {} });
  });

  it.each([
    ['', 'speedgate.yaml is empty; it needs "rate"'],
    ['rate: 5\nrequests: []', 'speedgate.yaml:2: requests: a workload needs at least one request'],
    ['rate: 5', 'requests: '],
    ['rate: 5\nrequests: [', 'not YAML'],
    ['rate: fast\nrequests:\n  - {name: a, path: /}', 'speedgate.yaml:1: rate: '],
    ['rate: 5\nrequests:\n  - name: a\n    path: shop', ':4: requests[0].path: starts with "/"'],
    ['rate: 5\nrequests:\n  - name: a\n    path: /a b', ':4: requests[0].path: visible ASCII'],
    ['rate: 5\nrequests:\n  - {name: a, path: "/${user}"}', '${user} is not known'],
    ['rate: 5\nrequests:\n  - {name: a, path: /, wieght: 2}', '"wieght" is not known here'],
    ['rate: 5\nrequests:\n  - {name: a, path: /, body: x}', 'requests[0].body: a GET carries no'],
    [
      'rate: 5\nrequests:\n  - name: a\n    path: /\n  - name: a\n    path: /b',
      ':5: requests[1].name: "a" is the name of another request',
    ],
    [
      'rate: 5\nrequests:\n  - {name: a, path: /, expect: {bodyPattern: "(("}}',
      'requests[0].expect.bodyPattern: Invalid regular expression',
    ],
    [
      'rate: 5\nrequests:\n  - {name: a, path: /, headers: {Host: other}}',
      'requests[0].headers.Host: is set by the sender',
    ],
    [
      'rate: 5\nrequests:\n  - {name: a, path: /, headers: {X-Speed-Gate-Arm: candidate}}',
      'is set by the sender',
    ],
    [
      'rate: 5\nrequests:\n  - {name: a, path: /, headers: {x-a: "1\\r\\nhost: b"}}',
      'requests[0].headers.x-a: may hold visible ASCII',
    ],
  ])('says what is wrong and where: %j', (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });

  it('lists every mistake at once', () => {
    const message = problemsOf('rate: -1\nrequests:\n  - {name: A, path: /}\n  - {name: b}');
    expect(message).toContain('3 mistakes');
    expect(message).toContain(':1: rate: ');
    expect(message).toContain(':3: requests[0].name: ');
    expect(message).toContain(':4: requests[1].path: ');
  });

  it('does not expand a bomb of aliases', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]`;
    expect(problemsOf(bomb)).toContain('not usable YAML');
  });
});

describe('renderRequest', () => {
  const [search, order] = loadWorkload(good).requests;

  it('puts the number of the pair everywhere it is asked for', () => {
    expect(renderRequest(search!, 41)).toEqual({
      method: 'GET',
      path: '/search?q=41',
      headers: {},
    });
    expect(renderRequest(order!, 42)).toEqual({
      method: 'POST',
      path: '/orders',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k-42' },
      body: '{"number":42,"again":42}',
    });
  });

  it('flags what may not be sent twice', () => {
    expect(nonIdempotentRequests(loadWorkload(good)).map(({ name }) => name)).toEqual(['order']);
    expect(isIdempotent({ method: 'PUT' })).toBe(true);
    expect(isSafe({ method: 'PUT' })).toBe(false);
    expect(isIdempotent({ method: 'PATCH' })).toBe(false);
  });
});

describe('phases', () => {
  const phased = (steps: string, rate = 100): string =>
    `rate: ${rate}\nphases: { steps: ${steps} }\nrequests: [{ name: a, path: / }]`;

  it('change the mean rate', () => {
    const steps = '[{ seconds: 4, factor: 0.5 }, { seconds: 1, factor: 3 }]';
    expect(loadWorkload(phased(steps)).phases?.apply).toBe('cyclic');
    expect(meanRate(loadWorkload(phased(steps)))).toBeCloseTo(100, 9);
    expect(meanRate(loadWorkload(phased('[{ seconds: 1, factor: 2 }]')))).toBe(200);
    expect(meanRate(loadWorkload(good))).toBe(150);
  });

  it.each([
    ['[]', 'phases.steps: phases need at least one step'],
    ['[{ seconds: 0, factor: 1 }]', 'phases.steps[0].seconds: '],
    ['[{ seconds: 1, factor: 0 }]', 'phases.steps[0].factor: '],
    ['[{ seconds: 1, factor: high }]', 'phases.steps[0].factor: '],
    ['[{ seconds: 1 }]', 'phases.steps[0].factor: '],
  ])('%s: %s', (steps, problem) => {
    expect(problemsOf(phased(steps))).toContain(`:2: ${problem}`);
  });

  it('cannot go beyond the highest rate', () => {
    expect(problemsOf(phased('[{ seconds: 1, factor: 20 }]', 1000))).toContain(
      'phases.steps[0].factor: makes 20000 requests per second of a rate of 1000; at most 10000',
    );
  });
});

describe('what was found is quoted', () => {
  it.each([
    ['rate: fast\nrequests: [{ name: a, path: / }]', 'it is "fast"'],
    ['rate: 5\nrequests: [{ name: Search, path: / }]', 'it is "Search"'],
    ['rate: 5\nrequests: [{ name: a, path: shop }]', 'starts with "/"; it is "shop"'],
    [
      'rate: 5\nrequests: [{ name: a, path: /, expect: { status: 99 } }]',
      'expect.status: Too small: expected number to be >=100; it is 99',
    ],
  ])('%j: %s', (text, quoted) => {
    expect(problemsOf(text)).toContain(quoted);
  });

  it('but not what may be secret', () => {
    const text =
      'rate: 5\nrequests: [{ name: a, path: /, headers: { authorization: "Bearer töken" } }]';
    expect(problemsOf(text)).toContain('requests[0].headers.authorization: may hold visible ASCII');
    expect(problemsOf(text)).not.toContain('ken');
  });
});

it('takes several statuses', () => {
  const [kind] = loadWorkload(
    'rate: 5\nrequests: [{ name: a, path: /, expect: { status: [200, 404] } }]',
  ).requests;
  const check = createAnswerCheck(kind!.expect);
  expect([200, 404, 204, 500].map((status) => check.statusOf({ status }))).toEqual([
    'ok',
    'ok',
    'body-check',
    '500',
  ]);
});

it('has a JSON Schema that speaks of every field of a file', () => {
  const schema = JSON.stringify(workloadJsonSchema());
  for (const field of [
    'rate',
    'phases',
    'freshConnections',
    'file',
    'order',
    'bodyPattern',
    'weight',
  ]) {
    expect(schema).toContain(`"${field}"`);
  }
  expect(workloadJsonSchema()).toMatchObject({ additionalProperties: false, type: 'object' });
});
