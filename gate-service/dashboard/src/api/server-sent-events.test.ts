import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventParser } from './server-sent-events.ts';

const STREAM =
  'retry: 2000\n\nid: 1\nevent: phase\ndata: {"a":1}\n\n: alive\n\nid: 2\ndata: two\ndata: lines\n\nevent: end\ndata: {}\n\n';

const EVENTS = [
  { id: '1', event: 'phase', data: '{"a":1}' },
  { id: '2', event: 'message', data: 'two\nlines' },
  { event: 'end', data: '{}' },
];

describe('server-sent events', () => {
  it('come out the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const parser = new EventParser();
        const found = places.flatMap((from, index) =>
          parser.push(STREAM.slice(from, places[index + 1] ?? STREAM.length)),
        );
        expect(found).toEqual(EVENTS);
      }),
    );
  });

  it('wait for the end of an event', () => {
    const parser = new EventParser();
    expect(parser.push('id: 7\ndata: half')).toEqual([]);
    expect(parser.push('\n\n')).toEqual([{ id: '7', event: 'message', data: 'half' }]);
  });
});
