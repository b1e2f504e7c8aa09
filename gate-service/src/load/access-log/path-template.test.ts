import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { templateOf } from './path-template.ts';
import { parseRequestLine } from './request-target.ts';

const P = '${sequence}';

describe('templateOf', () => {
  it.each([
    ['/', '/'],
    ['/api/v1/products', '/api/v1/products'],
    ['/index.html', '/index.html'],
    ['/static/app.min.js', '/static/app.min.js'],
    ['/order-history/', '/order-history/'],
    ['/getUserOrders/oauth2/login', '/getUserOrders/oauth2/login'],
    ['/orders/1029', `/orders/${P}`],
    ['/orders/A-1029', `/orders/${P}`],
    ['/orders/7/items/3', `/orders/${P}/items/${P}`],
    ['/o/2d931510-d99f-494a-8c67-87feb05e1594', `/o/${P}`],
    ['/o/deadbeef', `/o/${P}`],
    ['/blob/9b74c9897bac770ffc029102a200c5de', `/blob/${P}`],
    ['/u/alice@example.com', `/u/${P}`],
    ['/u/alice%40example.com', `/u/${P}`],
    ['/users/alice', `/users/${P}`],
    ['/users/me', '/users/me'],
    ['/customers/John.Doe/orders', `/customers/${P}/orders`],
    ['/reset/abcdef', `/reset/${P}`],
    ['/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc', `/t/${P}`],
    ['/t/aGVsbG9Xb3JsZA', `/t/${P}`],
    ['/t/bcdfghjk', `/t/${P}`],
    ['/t/SOqaxX_HXFyTN_QEjyCJEKwvsfQi', `/t/${P}`],
    ['/t/bsk_bciQBSVLgQM_N2_jwAGd', `/t/${P}`],
    ['/static/jquery.fileUpload.min.js', '/static/jquery.fileUpload.min.js'],
    ['/login;jsessionid=1A2B3C', '/login'],
    ['/caf%C3%A9', `/${P}`],
    ['/a%2Fb', `/${P}`],
    ['/../x', `/${P}/x`],
    ['/"q"', `/${P}`],
    ['/${data.x}', `/${P}`],
    [`/${'x/'.repeat(40)}`, `/${'x/'.repeat(12)}${P}`],
  ])('%s is %s', (path, template) => {
    expect(templateOf(path)).toBe(template);
  });

  const hex = fc.string({
    unit: fc.constantFrom(...Array.from({ length: 16 }, (_, i) => i.toString(16))),
    minLength: 8,
    maxLength: 64,
  });
  const identifier = fc.oneof(
    fc.nat().map(String),
    fc.uuid(),
    hex,
    fc.emailAddress().filter((address) => !address.includes('/')),
    fc.emailAddress().map(encodeURIComponent),
    fc.base64String({ minLength: 24 }).map((text) => text.replaceAll('/', '_')),
    fc
      .string({ unit: 'binary', minLength: 1 })
      .map((text) => `%${Buffer.from(text).toString('hex')}`),
    fc.stringMatching(/^[a-z]{21,60}$/),
    fc.stringMatching(/^\+?[0-9 ()-]{7,15}$/),
  );

  it('keeps no identifier', () => {
    fc.assert(
      fc.property(fc.array(identifier, { minLength: 1, maxLength: 5 }), (segments) => {
        const kept = templateOf(`/${segments.join('/')}`);
        expect(kept.replaceAll(P, '')).toMatch(/^\/*$/);
      }),
    );
  });

  it('gives a path that a workload takes, whatever was asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const template = templateOf(`/${text}`);
        expect(template.replaceAll(P, '')).toMatch(/^\/[A-Za-z0-9._/-]*$/);
        expect(templateOf(template)).toBe(template);
      }),
    );
  });
});

describe('parseRequestLine', () => {
  it.each([
    ['GET / HTTP/1.1', { method: 'GET', path: '/', query: '' }],
    ['GET /a?b=c?d HTTP/2.0', { method: 'GET', path: '/a', query: 'b=c?d' }],
    [
      'HEAD http://user:pw@Shop.example:8080/a?b HTTP/1.1',
      { method: 'HEAD', path: '/a', query: 'b', host: 'shop.example' },
    ],
    [
      'GET http://a@b@shop.example HTTP/1.1',
      { method: 'GET', path: '/', query: '', host: 'shop.example' },
    ],
    [
      'GET http://shop.example?x=1 HTTP/1.1',
      { method: 'GET', path: '/', query: 'x=1', host: 'shop.example' },
    ],
    ['GET /a#secret HTTP/1.1', { method: 'GET', path: '/a', query: '' }],
  ])('%s', (line, target) => {
    expect(parseRequestLine(line)).toEqual(target);
  });

  it.each([
    '',
    '-',
    'GET /',
    'GET / HTTP/1.1 x',
    'GET /a b HTTP/1.1',
    'GET /a\tb HTTP/1.1',
    'CONNECT shop.example:443 HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'TRACE / HTTP/1.1',
    'get / HTTP/1.1',
    'PROPFIND / HTTP/1.1',
    'PRI * HTTP/2.0',
    '\x16\x03\x01\x02',
    'GET ftp://x/ HTTP/1.1',
    'GET javascript:alert(1) HTTP/1.1',
    `GET ${'a'.repeat(60_000)} HTTP/1.1`,
  ])('%j is nothing to send', (line) => {
    expect(parseRequestLine(line)).toBeUndefined();
  });
});
