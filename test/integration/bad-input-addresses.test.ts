/**
 * Whatever is wrong with an address is answered with 4xx and problem details that name the field; nothing is stored and
 * nothing is given away. What there is to send wrongly comes from the description of the API, so that a new
 * field is tested by being described.
 */
import { describe, expect, it } from 'vitest';
import { BODIES, filled, operations } from '../support/api-bodies.ts';
import type { Schema } from '../support/api-bodies.ts';
import { authorization, expectNamed, json, refused, useWrongApi } from '../support/wrong-api.ts';

const wrongApi = useWrongApi();

describe('an id in an address', () => {
  it.each([
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e%2fspeed-gate.sqlite',
    '..%5c..%5cwindows',
    '%252e%252e%252f',
    '%00',
    'finished-checkout%00.html',
    '%ff%fe',
    '%zz',
    '%',
    '%F0%9F%92%A3',
    '-rf',
    `'%20OR%201=1--`,
    '$%7Bjndi:ldap:x%7D',
    'x'.repeat(101),
    'x'.repeat(4000),
  ])('like %j is refused everywhere', async (id) => {
    for (const [method, path] of operations(wrongApi.paths)) {
      for (const name of path.match(/\{\w+\}/g) ?? []) {
        const address = filled(path.replace(name, id));
        const body = BODIES[`${method} ${path}`];
        await refused(
          {
            method: method.toUpperCase(),
            path: address,
            headers: {
              ...(body === undefined ? { authorization } : json),
              accept: 'application/json',
              'if-match': '"1"',
            },
            ...(body !== undefined && { body: JSON.stringify(body) }),
          },
          name,
        );
      }
    }
  });

  it.each(['/v1/../../etc/passwd', '//etc/passwd', '/assets/../index.html', '/assets/%2e%2e/x'])(
    'cannot lead out of the service: %s',
    async (path) => {
      await refused({ method: 'GET', path, headers: { authorization } }, 'path');
    },
  );
});

describe('a parameter', () => {
  const wrong = ({ enum: values, format, pattern, type }: Schema): readonly string[] => {
    if (type === 'integer' || type === 'number') {
      return ['abc', '-1', '1.5', '1e99', 'NaN', 'Infinity', '%00', '99999999999999999999'];
    }
    if (values !== undefined) return ['nonsense', '%00', 'x'.repeat(5000)];
    if (pattern !== undefined || format !== undefined) return ['../x', '%00', 'x'.repeat(5000)];
    return ['%00', 'x'.repeat(5000)];
  };

  it('of a query is refused by its name when it is wrong, huge or there twice', async () => {
    let tried = 0;
    for (const [method, path, { parameters = [] }] of operations(wrongApi.paths)) {
      for (const { in: place, name, schema } of parameters) {
        if (place !== 'query') continue;
        const values = wrong(schema).map((value) => `${name}=${value}`);
        for (const query of [...values, `${name}=1&${name}=2`]) {
          const problem = await refused(
            {
              method: method.toUpperCase(),
              path: `${filled(path)}?${query}`,
              headers: { authorization, accept: 'application/json' },
            },
            query.slice(0, 60),
          );
          expectNamed(problem, `/${name}`, `${path} ${query.slice(0, 60)}`);
          tried += 1;
        }
      }
    }
    expect(tried).toBeGreaterThan(50);
  });

  it('of a header is refused by its name', async () => {
    for (const value of ['abc', '-1', '1e99']) {
      const problem = await refused(
        {
          method: 'GET',
          path: '/v1/runs/finished-checkout/events',
          headers: { authorization, 'last-event-id': value },
        },
        value,
      );
      expectNamed(problem, '/last-event-id', value);
    }
    const problem = await refused(
      {
        method: 'POST',
        path: '/v1/runs',
        headers: { ...json, 'idempotency-key': 'x'.repeat(256) },
        body: JSON.stringify(BODIES['post /v1/runs']),
      },
      'idempotency-key',
    );
    expectNamed(problem, '/idempotency-key', 'too long');
  });
});
