import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseStrictJson, StrictJsonError } from './strict-json.ts';

function pointerOf(text: string): string {
  try {
    parseStrictJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(StrictJsonError);
    return (error as StrictJsonError).pointer;
  }
  return expect.unreachable(`${text.slice(0, 80)} was taken`);
}

it('reads what JSON.parse reads, however it is laid out', () => {
  const strange = /\\u0000|__proto__|"constructor"|"prototype"/;
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6 }),
      fc.constantFrom(undefined, 1, '\t'),
      (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        fc.pre(!strange.test(text) && text.isWellFormed() && !/\\ud[89a-f]/i.test(text));
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      },
    ),
  );
});

it('takes the same name in other objects, and punctuation in texts', () => {
  const text = String.raw`{"a":{"a":1,"b":[{"a":"{\"a\":1,\"a\":2}"},{"a":"[,:]\\"}]},"b":"\\\"","":0}`;
  expect(parseStrictJson(text)).toEqual(JSON.parse(text));
});

it.each([
  ['{"a":1,"a":2}', '/a'],
  [String.raw`{"a":1,"\u0061":2}`, '/a'],
  ['{"x":[0,{"b":{"c":1,"c":1}}]}', '/x/1/b/c'],
  ['{"a/b":{"~":1,"~":2}}', '/a~1b/~0'],
  ['{"a":{"__proto__":1}}', '/a/__proto__'],
  [String.raw`{"\u005f_proto__":1}`, '/__proto__'],
  [String.raw`{"a":["b","\u0000"]}`, '/a/1'],
  [String.raw`{"a":"\udc00"}`, '/a'],
])('refuses %s at %s', (text, pointer) => {
  expect(pointerOf(text)).toBe(pointer);
});

it('refuses depth and width before anything is built', () => {
  expect(pointerOf('['.repeat(1_000_000))).toBe('/0'.repeat(32));
  expect(parseStrictJson(`${'['.repeat(32)}${']'.repeat(32)}`)).toBeInstanceOf(Array);
  expect(pointerOf(`{"a":[${'0,'.repeat(200_000)}0]}`)).toBe('/a');
});

it('says where it is no JSON, without repeating any of it', () => {
  for (const text of ['{"secret": hunter2}', '{"a":1', 'hunter2', '{"a":"\\x"}', '"']) {
    try {
      parseStrictJson(text);
      expect.unreachable(text);
    } catch (error) {
      expect((error as Error).message).toMatch(/^is not JSON/);
      expect((error as Error).message).not.toContain('hunter2');
    }
  }
});
