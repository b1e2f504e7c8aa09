import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileLogFormat, detectLogFormat, NAMED_FORMATS } from './log-format.ts';

const AT = '[10/Oct/2025:13:55:36 +0200]';
const SECOND = Date.UTC(2025, 9, 10, 11, 55, 36) / 1000;

describe('lines that httpd writes', () => {
  const common = `10.0.0.1 - - ${AT} "GET /a?b=c HTTP/1.1" 200 2326`;
  it.each([
    [common, {}],
    [`${common} 1234`, { microseconds: 1234 }],
    [`${common} "-" "curl/8"`, {}],
    [`${common} "https://x/?token=1" "Mozilla/5.0 (\\"X11\\")" 77`, { microseconds: 77 }],
    [`shop.example ${common}`, { host: 'shop.example' }],
    [`Shop.example:443 ${common} "-" "-" 5`, { host: 'shop.example', microseconds: 5 }],
    [`10.0.0.1 - j o e ${AT} "GET /a?b=c HTTP/1.1" 200 -`, {}],
    [`::1 - - [10/Oct/2025:07:55:36 -0400] "GET /a?b=c HTTP/1.1" 200 0`, {}],
  ])('%s', (line, more) => {
    const request = 'GET /a?b=c HTTP/1.1';
    expect(detectLogFormat()(line)).toEqual({ request, second: SECOND, status: 200, ...more });
  });

  it('tells connections and hosts by a LogFormat as it stands in the configuration', () => {
    const parse = compileLogFormat('%V %{X-Forwarded-For}i %k %X %t \\"%r\\" %>s %D %{ms}T');
    const line = (kept: number) => `a.b 1.2.3.4 ${kept} + ${AT} "GET / HTTP/1.1" 304 99 0`;
    expect(parse(line(0))).toMatchObject({ fresh: true, microseconds: 99, host: 'a.b' });
    expect(parse(line(3))).toMatchObject({ fresh: false, status: 304 });
  });

  it('undoes the escapes of quoted fields', () => {
    const line = `h - - ${AT} "GET /\\"q\\\\\\x1b\\xc3\\xa4\\t HTTP/1.1" 404 1`;
    expect(detectLogFormat()(line)?.request).toBe('GET /"q\\\x1bÃ¤\t HTTP/1.1');
  });

  it('changes its mind when the format changes', () => {
    const parse = detectLogFormat();
    const combined = `${common} "-" "-" 5`;
    for (const line of [common, combined, common, `v ${common}`, combined]) {
      expect(parse(line)).toMatchObject({ status: 200, second: SECOND });
    }
  });
});

describe('lines that nobody should write', () => {
  it.each([
    ['', 'empty'],
    ['garbage', 'garbage'],
    [`h - - ${AT} "GET / HTTP/1.1`, 'cut off'],
    [`h - - ${AT} "GET / HTTP/1.1" 200`, 'no size'],
    [`h - - ${AT} "GET / HTTP/1.1" 999 1`, 'no such status'],
    [`h - - ${AT} "GET / HTTP/1.1" - 1`, 'no status'],
    [`h - - [10/Foo/2025:13:55:36 +0200] "GET / HTTP/1.1" 200 1`, 'no such month'],
    [`h - - [40/Oct/2025:13:55:36 +0200] "GET / HTTP/1.1" 200 1`, 'no such day'],
    [`h - - [10/Oct/2025:33:55:36 +0200] "GET / HTTP/1.1" 200 1`, 'no such hour'],
    [`h - - - "GET / HTTP/1.1" 200 1`, 'no time'],
    [`h - - ${AT} "GET / HTTP/1.1" 200 1 2 3 4`, 'more fields'],
  ])('%s (%s) is none of the format', (line) => {
    expect(detectLogFormat()(line)).toBeUndefined();
  });

  it('a client cannot pass for another field: quotes are escaped in what it sends', () => {
    const injected =
      '\\" 200 1 \\"x\\" \\"y\\" 5\\n10.0.0.9 - - [01/Jan/2030:00:00:00 +0000] \\"GET /evil HTTP/1.1\\" 200 1';
    const line = `h - - ${AT} "GET /${injected} HTTP/1.1" 404 9 "${injected}" "${injected}" 7`;
    const entry = detectLogFormat()(line);
    expect(entry).toMatchObject({ status: 404, second: SECOND, microseconds: 7 });
    const user = `h - x [01/Jan/2030:00:00:00 +0000] ${AT} "GET / HTTP/1.1" 200 1`;
    expect(detectLogFormat()(user)).toBeUndefined();
  });

  it('never throws, and takes a line only when all of it fits', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('"', '\\', '[', ']', ' ', AT, ' 200 ', 'GET / HTTP/1.1', '%', '\\x'),
    );
    const formats = Object.keys(NAMED_FORMATS).map((name) => compileLogFormat(name));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
        (line) => {
          for (const parse of [...formats, detectLogFormat()]) {
            const entry = parse(line);
            if (entry !== undefined) expect(Number.isInteger(entry.second)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('compileLogFormat', () => {
  it.each([
    ['%h %u', 'has no %r, %t, %>s'],
    ['nonsense', 'or one of common, combined'],
    ['%t %r %>s', '%r without quotes'],
    ['%h%l %t "%r" %>s', 'nothing between %h and the next'],
  ])('refuses %s', (format, problem) => {
    expect(() => compileLogFormat(format)).toThrow(problem);
  });
});
