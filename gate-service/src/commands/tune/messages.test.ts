import { expect, it } from 'vitest';
import { parseMessage } from './messages.ts';

it('reads a tell and the end', () => {
  expect(parseMessage('{"tell":1,"value":0.83,"metrics":{"errors":0.001},"unsafe":false}')).toEqual(
    {
      kind: 'tell',
      id: 1,
      observation: { value: 0.83, metrics: { errors: 0.001 }, unsafe: false },
    },
  );
  expect(parseMessage('{"tell":2,"aborted":"error burst","configuration":{"a":1}}')).toEqual({
    kind: 'tell',
    id: 2,
    observation: { aborted: 'error burst' },
    configuration: { a: 1 },
  });
  expect(parseMessage(' {"end":true} ')).toEqual({ kind: 'end' });
});

it.each<[string, string, string]>([
  ['', 'not-json', 'one object on one line'],
  ['{"tell":1,', 'not-json', 'one object on one line'],
  ['{"tell":1,"value":NaN}', 'not-json', 'NaN is no number in JSON'],
  ['{"tell":1,"value":-Infinity}', 'not-json', 'Infinity is no number in JSON'],
  ['[]', 'illegal-message', 'expected {"tell"'],
  ['null', 'illegal-message', 'expected {"tell"'],
  ['1', 'illegal-message', 'expected {"tell"'],
  ['{"ask":1}', 'illegal-message', 'expected {"tell"'],
  ['{"end":false}', 'illegal-message', 'end: '],
  ['{"end":true,"tell":1}', 'illegal-message', 'tell'],
  ['{"tell":"1","value":1}', 'illegal-message', 'tell: must be the number of an ask'],
  ['{"tell":1.5,"value":1}', 'illegal-message', 'tell: must be the number of an ask'],
  ['{"tell":1,"value":"0.8"}', 'illegal-message', 'value: must be a number, got "0.8"'],
  ['{"tell":1,"value":null}', 'illegal-message', 'leave it out and say "unsafe": true'],
  ['{"tell":1,"value":1e999}', 'illegal-message', 'value: must be finite'],
  ['{"tell":1,"value":-1e300}', 'illegal-message', 'value: must be within ±1e+100'],
  ['{"tell":1,"metrics":{"errors":1e300}}', 'illegal-message', 'errors: must be within ±1e+100'],
  [`{"tell":1,"${'x'.repeat(60_000)}":1}`, 'illegal-message', 'xxx'],
  ['{"tell":1,"metrics":{"errors":"0"}}', 'illegal-message', 'metrics.errors: must be a finite'],
  ['{"tell":1,"metrics":{"errors":1e999}}', 'illegal-message', 'metrics.errors: must be a finite'],
  ['{"tell":1,"value":1,"unsafe":1}', 'illegal-message', 'unsafe: '],
  ['{"tell":1,"value":1,"eror":1}', 'illegal-message', 'eror'],
  [
    `{"tell":1,"metrics":${JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`m${i}`, i])))}}`,
    'illegal-message',
    'at most 64 metrics',
  ],
])('says what is wrong with %s', (text, code, words) => {
  expect(() => parseMessage(text)).toThrow(expect.objectContaining({ code }) as Error);
  expect(() => parseMessage(text)).toThrow(words);
  expect(() => parseMessage(text)).toThrow(/^.{1,500}$/);
});

it('is short about a line that is deep or long', () => {
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  const long = JSON.stringify('x'.repeat(60_000));
  for (const field of ['tell', 'value', 'metrics', 'unsafe', 'aborted', 'end']) {
    for (const content of [deep, long, `{"a":${deep}}`]) {
      const text = field === 'tell' ? `{"tell":${content}}` : `{"tell":1,"${field}":${content}}`;
      let error = new Error();
      try {
        parseMessage(text);
      } catch (thrown) {
        error = thrown as Error;
      }
      expect(error.name).toBe('MessageError');
      expect(error.message.length).toBeLessThan(500);
    }
  }
});
