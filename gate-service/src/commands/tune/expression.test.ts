import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createConstraint } from './constraint.ts';
import { NotComputableError, parseExpression, type NameFacts } from './expression.ts';

const facts: Readonly<Record<string, NameFacts>> = {
  workers: { type: 'number' },
  threads: { type: 'number' },
  'max-idle': { type: 'number' },
  'httpd.backlog': { type: 'number' },
  keepalive: { type: 'boolean' },
  balancer: { type: 'text', choices: ['least', 'round'] },
  broken: { type: 'any' },
};
const values = {
  workers: 400,
  threads: 25,
  'max-idle': 3,
  'httpd.backlog': 511,
  keepalive: true,
  balancer: 'least',
};
const parse = (text: string): ReturnType<typeof parseExpression> =>
  parseExpression(text, (name) => (Object.hasOwn(facts, name) ? facts[name] : undefined));

describe('parseExpression', () => {
  it.each<[string, boolean]>([
    ['workers % threads == 0', true],
    ['workers%threads!=0', false],
    ['1 + 2 * 3 == 7 && (1 + 2) * 3 == 9', true],
    ['10 - 4 - 3 == 3 && 64 / 4 / 2 == 8', true],
    ['-2 * -3 == 6 && 2 - -1 == 3', true],
    ['.5 + 1e-1 * 5 == 1', true],
    ['workers / threads <= 16 && threads <= 64 || !keepalive', true],
    ['!(workers < threads)', true],
    ['!keepalive || httpd.backlog > 1024', false],
    ['balancer == "least" && balancer != \'round\'', true],
    ['keepalive == true', true],
    ['`max-idle` >= 3', true],
    ['threads > 0 == keepalive', true],
    ['false && workers / 0 > 1 || true || workers % 0 == 0', true],
  ])('%s is %s', (text, holds) => {
    expect(parse(text).holds(values)).toBe(holds);
  });

  it.each<[string, string, number]>([
    ['', 'a number, a name', 0],
    ['workers %% threads == 0', 'a number, a name', 9],
    ['workers == threads + ', 'a number, a name', 21],
    ['(workers > 1', 'an operator or ")"', 12],
    ['workers > 1)', 'an operator or the end', 11],
    ['workers > 5ms', 'a number, a name', 10],
    ['workers = 1', 'an operator or the end', 8],
    ['wrokers > 1', 'the name of a knob or of the context, not wrokers', 0],
    ['constructor > 1', 'the name of a knob', 0],
    ['workers.constructor > 1', 'the name of a knob', 0],
    ['max-idle > 1', 'the name of a knob', 0],
    ['workers(1) > 1', 'an operator or the end', 7],
    ['workers["x"] > 1', 'an operator or the end', 7],
    ['workers + threads', 'something true or false as a whole, e.g. a comparison, not a number', 0],
    ['workers + keepalive > 1', 'a number beside "+", not something true or false', 10],
    ['!workers', 'something true or false after "!", not a number', 1],
    ['workers && keepalive', 'something true or false beside "&&", not a number', 0],
    ['balancer == 1', 'a word beside "==", not a number', 12],
    ['balancer == "lest"', 'one of "least", "round"', 12],
    ['1 < threads < 64', '&& between two comparisons', 12],
    ['1e999 > workers', 'a number that is not that large', 0],
    [`${'('.repeat(60)}1${')'.repeat(60)} > 0`, 'at most 50 parts within each other', 50],
    [`${'1 + '.repeat(400)}1 > 0`, 'an expression of at most 1000 characters', 1000],
  ])('points at what is wrong in %j', (text, expected, position) => {
    let message = '';
    try {
      parse(text);
    } catch (error) {
      message = (error as Error).message;
    }
    const [, quoted, pointer] = message.split('\n');
    expect(pointer).toContain(`^ expected ${expected}`);
    const column = pointer!.indexOf('^') - 2;
    expect(
      quoted!
        .slice(2)
        .slice(column, column + 8)
        .trimEnd(),
    ).toBe(text.slice(position, position + 8).trimEnd());
  });

  it('takes a name whose declaration is wrong for anything', () => {
    expect(() => parse('broken > 1 && (!broken || broken == "x")')).not.toThrow();
  });

  it('answers any text with an expression or a mistake', () => {
    const parts = [
      ...Object.keys(values),
      '1',
      '(',
      ')',
      '!',
      '-',
      '%',
      '&&',
      '<',
      '==',
      '"',
      '`',
      ' ',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 12 }), (chosen) => {
        try {
          expect(typeof parse(chosen.join('')).holds(values)).toBe('boolean');
        } catch (error) {
          expect((error as Error).name).toMatch(/^(ExpressionError|NotComputableError)$/);
        }
      }),
    );
  });
});

describe('createConstraint', () => {
  const constraint = (text: string): ReturnType<typeof createConstraint> =>
    createConstraint(text, parse(text), { threads: 7 });

  it('says what does not hold, with the numbers', () => {
    const rule = createConstraint('workers % threads == 1', parse('workers % threads == 1'), {});
    expect(rule.holds(values, undefined)).toBe(false);
    expect(rule.message(values, undefined)).toBe(
      'workers % threads == 1 does not hold; workers = 400, threads = 25',
    );
  });

  it('knows the context beside the knobs', () => {
    const { workers } = values;
    expect(constraint('workers % threads == 1').holds({ workers }, undefined)).toBe(true);
  });

  it.each(['workers % (threads - 25) != 0', 'workers / (threads - 25) > 1'])(
    'does not hold where it cannot be computed: %s',
    (text) => {
      expect(() => parse(text).holds(values)).toThrow(NotComputableError);
      const rule = createConstraint(text, parse(text), {});
      expect(rule.holds(values, undefined)).toBe(false);
      expect(rule.message(values, undefined)).toContain('is no finite number');
    },
  );
});
