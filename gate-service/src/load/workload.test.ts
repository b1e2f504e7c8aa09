import { describe, expect, it } from 'vitest';
import { loadWorkload, WorkloadError } from './workload-file.ts';
import { isIdempotent, isSafe, nonIdempotentRequests, renderRequest } from './workload.ts';

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
