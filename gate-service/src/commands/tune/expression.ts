/**
 * Expressions between knobs, e.g. `workers % threads == 0`: numbers, words in quotes, names,
 * `+ - * / %`, comparisons, `&&`, `||`, `!` and parentheses. No calls, no members, no assignment, and
 * nothing of JavaScript behind it: a knobs file may come from anybody.
 *
 * Why not a library: filtrex compiles to a JavaScript function, jsep and jexl keep no places to point
 * at and check no types, CEL refuses `workers % 2` on JSON's numbers, expr-eval is not kept and had
 * code executed through it (CVE-2025-12735).
 */
import type { KnobValue } from '../../optimizer/space/knob.ts';
import type { Values } from '../../optimizer/space/bound-space.ts';
import { ExpressionScanner } from './expression-scanner.ts';

/** What a name or a part stands for; `any` where its declaration is wrong and reported already. */
export type ValueType = 'number' | 'boolean' | 'text' | 'any';

export interface NameFacts {
  readonly type: ValueType;
  /** Of a text: the only words that it can be. */
  readonly choices?: readonly string[];
}

/** A part of an expression, checked and ready to be computed. */
interface Part extends NameFacts {
  readonly at: number;
  /** Set for a word in quotes. */
  readonly literal?: string;
  readonly compute: (values: Values) => KnobValue;
}

export interface Expression {
  /** Names that stand in it, in order of appearance. */
  readonly names: readonly string[];
  /** Whether it holds. @throws NotComputableError where a number is not finite, as after a division by zero */
  holds(values: Values): boolean;
}

/** A division by zero, or a number too large: the expression neither holds nor fails, so it does not hold. */
export class NotComputableError extends Error {
  constructor(operator: string, left: number, right: number) {
    super(`${left} ${operator} ${right} is no finite number`);
    this.name = 'NotComputableError';
  }
}

const MAX_CHARACTERS = 1000;
/** Parentheses and signs within each other. */
const MAX_DEPTH = 50;

/** Higher binds tighter; as in C. */
const BINDING: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};
const EQUALITY = 3;
const ORDER = 4;

/**
 * Reads an expression that is true or false.
 * @param lookUp what a name stands for; `undefined` when nothing has this name
 * @throws ExpressionError that points at the place
 */
export function parseExpression(
  text: string,
  lookUp: (name: string) => NameFacts | undefined,
): Expression {
  // With its type, so that the compiler knows that `fail` never returns.
  const scanner: ExpressionScanner = new ExpressionScanner(text);
  if (text.length > MAX_CHARACTERS) {
    scanner.fail(`an expression of at most ${MAX_CHARACTERS} characters`, MAX_CHARACTERS);
  }
  const names = new Set<string>();
  let depth = 0;

  function operand(): Part {
    const at = scanner.position;
    depth += 1;
    if (depth > MAX_DEPTH) scanner.fail(`at most ${MAX_DEPTH} parts within each other`);
    try {
      const sign = scanner.takeOneOf('!', '-', '(');
      if (sign === '(') {
        const inner = binary(0);
        if (scanner.takeOneOf(')') === undefined) scanner.fail('an operator or ")"');
        return { ...inner, at };
      }
      if (sign === '!') {
        const { compute } = expectType(operand(), 'boolean', 'after "!"');
        return { type: 'boolean', at, compute: (values) => compute(values) !== true };
      }
      if (sign === '-') {
        const { compute } = expectType(operand(), 'number', 'after "-"');
        return { type: 'number', at, compute: (values) => -Number(compute(values)) };
      }
      return atom(at);
    } finally {
      depth -= 1;
    }
  }

  function atom(at: number): Part {
    const number = scanner.takeNumber();
    if (number !== undefined) {
      if (!Number.isFinite(number)) scanner.fail('a number that is not that large', at);
      return { type: 'number', at, compute: () => number };
    }
    const word = scanner.takeText();
    if (word !== undefined) return { type: 'text', at, literal: word, compute: () => word };
    const name = scanner.takeName();
    if (name === undefined) scanner.fail('a number, a name, a "word", "(", "!" or "-"');
    if (name === 'true' || name === 'false') {
      return { type: 'boolean', at, compute: () => name === 'true' };
    }
    const facts = lookUp(name);
    if (facts === undefined) scanner.fail(`the name of a knob or of the context, not ${name}`, at);
    names.add(name);
    // Only own values: a name can never reach what every object has.
    const compute = (values: Values): KnobValue => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) throw new RangeError(`${name} has no value`);
      return value;
    };
    return { ...facts, at, compute };
  }

  function binary(least: number): Part {
    let left = operand();
    for (;;) {
      const operator = scanner.peekOneOf(...Object.keys(BINDING));
      const binding = operator === undefined ? undefined : BINDING[operator];
      if (operator === undefined || binding === undefined || binding <= least) return left;
      scanner.takeOneOf(operator);
      left = { ...combine(operator, left, binary(binding)), at: left.at };
      const next = BINDING[scanner.peekOneOf(...Object.keys(BINDING)) ?? ''];
      if (next === binding && (binding === EQUALITY || binding === ORDER)) {
        scanner.fail('&& between two comparisons, as in a < b && b < c');
      }
    }
  }

  function expectType(part: Part, type: ValueType, where: string): Part {
    if (part.type === type || part.type === 'any') return part;
    const noun = {
      number: 'a number',
      boolean: 'something true or false',
      text: 'a word',
      any: '',
    };
    return scanner.fail(`${noun[type]} ${where}, not ${noun[part.type]}`, part.at);
  }

  function combine(operator: string, left: Part, right: Part): Omit<Part, 'at'> {
    const around = `beside "${operator}"`;
    if (operator === '&&' || operator === '||') {
      const one = expectType(left, 'boolean', around).compute;
      const other = expectType(right, 'boolean', around).compute;
      const decided = operator === '||';
      return {
        type: 'boolean',
        // The other side only when it matters: it may divide by what this side excludes.
        compute: (values) => (one(values) === decided ? decided : other(values) === true),
      };
    }
    if (operator === '==' || operator === '!=') {
      if (left.type !== 'any') expectType(right, left.type, around);
      expectChoice(left, right);
      expectChoice(right, left);
      const wanted = operator === '==';
      return {
        type: 'boolean',
        compute: (values) => (left.compute(values) === right.compute(values)) === wanted,
      };
    }
    expectType(left, 'number', around);
    expectType(right, 'number', around);
    const compute = ARITHMETIC[operator];
    const compare = ORDERS[operator];
    if (compare !== undefined) {
      return {
        type: 'boolean',
        compute: (values) => compare(Number(left.compute(values)), Number(right.compute(values))),
      };
    }
    return {
      type: 'number',
      compute: (values) => {
        const [one, other] = [Number(left.compute(values)), Number(right.compute(values))];
        const result = compute?.(one, other) ?? Number.NaN;
        if (!Number.isFinite(result)) throw new NotComputableError(operator, one, other);
        return result;
      },
    };
  }

  function expectChoice({ choices }: Part, { literal, at }: Part): void {
    if (choices === undefined || literal === undefined || choices.includes(literal)) return;
    scanner.fail(`one of ${choices.map((one) => JSON.stringify(one)).join(', ')}`, at);
  }

  const whole = binary(0);
  scanner.end();
  expectType(whole, 'boolean', 'as a whole, e.g. a comparison');
  return {
    names: [...names],
    holds: (values) => whole.compute(values) === true,
  };
}

const ARITHMETIC: Readonly<Record<string, (one: number, other: number) => number>> = {
  '+': (one, other) => one + other,
  '-': (one, other) => one - other,
  '*': (one, other) => one * other,
  '/': (one, other) => one / other,
  '%': (one, other) => one % other,
};

const ORDERS: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  '<': (one, other) => one < other,
  '<=': (one, other) => one <= other,
  '>': (one, other) => one > other,
  '>=': (one, other) => one >= other,
};
