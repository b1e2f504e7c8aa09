import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyPatternProblem, compileBodyPattern } from './body-pattern.ts';
import { loadWorkload } from './workload-file.ts';

describe('body patterns', () => {
  it.each([
    ['"version"', 'a "version": 3', true],
    ['^in stock$', 'in stock', true],
    ['^in stock$', 'not in stock', false],
    ['total: \\d+ (EUR|USD)', 'total: 12 USD', true],
    ['a\\/b', 'a/b', true],
    ['gr[aeo]y', 'grey', true],
    ['\\u00e4+', 'ää', true],
    ['(?<year>\\d{4})-', '2026-', true],
    ['^$', '', true],
    ['.', '\n', false],
  ])('%s on %j: %s', (pattern, text, matches) => {
    expect(bodyPatternProblem(pattern)).toBeUndefined();
    expect(compileBodyPattern(pattern).test(text)).toBe(matches);
    expect(new RegExp(pattern).test(text)).toBe(matches);
  });

  it.each([
    ['((', 'Invalid regular expression'],
    ['(?!error)', 'linear time'],
    ['(a)\\1', 'linear time'],
    ['(?<=x)y', 'linear time'],
    ['a{5000}', 'linear time'],
    ['x'.repeat(1001), 'at most 1000'],
  ])('%s is refused', (pattern, problem) => {
    expect(bodyPatternProblem(pattern)).toContain(problem);
    const text = `rate: 1\nrequests:\n  - {name: a, path: /, expect: {bodyPattern: ${JSON.stringify(pattern)}}}`;
    expect(() => loadWorkload(text)).toThrow('requests[0].expect.bodyPattern: ');
  });

  // Each takes a backtracking engine longer than the universe is old.
  it.each([
    '^(a+)+$',
    '^(a|a)*$',
    '(a*)*b',
    '^(([a-z])+.)+[A-Z]$',
    '(.*)*x',
    'a?'.repeat(40) + 'a'.repeat(40) + 'b',
  ])('%s cannot hang the sender', (pattern) => {
    expect(bodyPatternProblem(pattern)).toBeUndefined();
    expect(compileBodyPattern(pattern).test(`${'a'.repeat(5000)}!`)).toBe(false);
  });

  it('agree with JavaScript', () => {
    const atom = fc.constantFrom('a', 'b', '[ab]', '.', '\\d', '(?:a|b)', '^', '$', '\\.');
    const repeated = fc.constantFrom('', '*', '+', '?', '{1,2}');
    const piece = fc
      .tuple(atom, repeated)
      .map(([one, times]) => (one === '^' || one === '$' ? one : one + times));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
        fc.string({ unit: fc.constantFrom('a', 'b', '1', '.'), maxLength: 12 }),
        (pattern, text) => {
          expect(compileBodyPattern(pattern).test(text)).toBe(new RegExp(pattern).test(text));
        },
      ),
    );
  });
});
