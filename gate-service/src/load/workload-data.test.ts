import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_CSV_BYTES, parseCsvData } from './csv-data.ts';
import { rowOfPair } from './workload-data.ts';
import { loadWorkload, readWorkload } from './workload-file.ts';
import { renderRequest, workloadSchema, type Workload } from './workload.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workload-data-'));
  mkdirSync(join(folder, 'repository', '.git'), { recursive: true });
  mkdirSync(join(folder, 'repository', 'gate'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const put = (name: string, text: string | Buffer): string => {
  const file = join(folder, 'repository', name);
  writeFileSync(file, text);
  return file;
};
const withData = (data: string, path = '/users/${data.user}'): string =>
  `rate: 5\ndata: ${data}\nrequests:\n  - { name: a, path: "${path}" }\n`;
const read = (text: string): Workload => readWorkload(put('gate/load.yaml', text));

describe('data from CSV', () => {
  it('is written into the requests that ask for it, with the columns that they need', () => {
    put(
      'users.csv',
      '﻿user,secret,"full name"\r\nalice,s1,"A ""B"", C"\r\n\r\nbob,s2,"two\nlines"\r\n',
    );
    const workload = read(`
rate: 5
data: { file: ../users.csv, order: random }
requests:
  - { name: a, path: "/users/\${data.user}" }
  - { name: b, path: / }
  - name: c
    path: /c?u=\${data.word}
    data: { columns: [word], rows: [[x y], ["é/?"]] }
`);
    expect(workload.requests.map(({ data }) => data)).toEqual([
      { order: 'random', columns: ['user'], rows: [['alice'], ['bob']] },
      undefined,
      { order: 'sequential', columns: ['word'], rows: [['x y'], ['é/?']] },
    ]);
    // As a run is asked with it, and as the sender gets it.
    expect(workloadSchema.parse(JSON.parse(JSON.stringify(workload)))).toEqual(workload);
    expect(renderRequest(workload.requests[2]!, 2).path).toBe('/c?u=%C3%A9%2F%3F');
    expect(parseCsvData('a,b\n"A ""B"", C",2\n', 'f', 'random').rows).toEqual([['A "B", C', '2']]);
  });

  it.each([
    ['../../outside.csv', 'leads out of the repository'],
    ['../../../../../../etc/passwd', 'leads out of the repository'],
    ['/etc/passwd', 'is no name relative to the workload'],
    ['link.csv', 'leads out of the repository'],
    ['linked/outside.csv', 'leads out of the repository'],
    ['missing.csv', 'there is no such file'],
    ['..', 'leads out of the repository'],
    ['.', 'is no regular file'],
    ['../.git', 'is no regular file'],
    ['/dev/stdin', 'is no name relative'],
    ['empty.csv', 'is empty'],
    ['header.csv', 'has no rows'],
    ['torn.csv', 'is not CSV'],
    ['ragged.csv', 'is not CSV'],
    ['latin1.csv', 'is not UTF-8'],
    ['huge.csv', `at most ${MAX_CSV_BYTES} are read`],
  ])('%s: %s', (name, problem) => {
    writeFileSync(join(folder, 'outside.csv'), 'user\nroot\n');
    symlinkSync(join(folder, 'outside.csv'), join(folder, 'repository/gate/link.csv'));
    symlinkSync(folder, join(folder, 'repository/gate/linked'));
    put('gate/empty.csv', '');
    put('gate/header.csv', 'user\n');
    put('gate/torn.csv', 'user\n"alice\n');
    put('gate/ragged.csv', 'user,b\nalice\n');
    put('gate/latin1.csv', Buffer.from('user\nm\xfcller\n', 'latin1'));
    put('gate/huge.csv', Buffer.alloc(MAX_CSV_BYTES + 1, 'x\n'));
    const text = withData(`{ file: ${JSON.stringify(name)} }`);
    expect(() => read(text)).toThrow(problem);
    expect(() => read(text)).toThrow('load.yaml:2: data.file: ');
    expect(() => read(text)).not.toThrow(/root:|passwd:/);
  });

  it('may be linked to inside the repository', () => {
    put('users.csv', 'user\nalice\n');
    symlinkSync('../users.csv', join(folder, 'repository/gate/link.csv'));
    expect(read(withData('{ file: link.csv }')).requests[0]?.data?.rows).toEqual([['alice']]);
  });

  it.each([
    [
      withData('{ columns: [name], rows: [[a]] }'),
      ':4: requests[0].path: ${data.user} has no column',
    ],
    [withData('{ columns: [user], rows: [[a, b]] }'), 'data.rows[0]: has 2 values for 1 columns'],
    [withData('{ columns: [user, user], rows: [[a, b]] }'), 'is the name of another column'],
    [withData('{ columns: [user], rows: [] }'), ':2: data.rows: data needs at least one row'],
    [withData('{ file: a.csv, order: up }'), 'data: is { file'],
    [withData('{ file: a.csv }'), 'no files can be named here'],
    [
      'rate: 5\nrequests:\n  - { name: a, path: "/${data.x}" }',
      '${data.x} has no column: there is no data',
    ],
    [
      'rate: 5\ndata: { columns: [x], rows: [["a\\r\\nhost: b"]] }\nrequests:\n  - { name: a, path: /, headers: { x-a: "${data.x}" } }',
      'row 1 of data.x does not fit into a header',
    ],
    [
      `rate: 5\ndata: { columns: [x], rows: [[${'y'.repeat(600_000)}]] }\nrequests:\n  - { name: a, path: "/\${data.x}" }`,
      'characters; at most',
    ],
  ])('says what is wrong: %#', (text, problem) => {
    expect(() => loadWorkload(text)).toThrow(problem);
  });

  it('is no business of the service: a run brings values, not names of files', () => {
    const asked = { rate: 1, data: { file: 'a.csv' }, requests: [{ name: 'a', path: '/' }] };
    expect(JSON.stringify(workloadSchema.safeParse(asked).error?.issues)).toContain(
      'workload inline',
    );
  });
});

describe('rows', () => {
  const table = (order: 'sequential' | 'random', count: number) => ({
    order,
    columns: ['n'],
    rows: Array.from({ length: count }, (_, i) => [String(i)]),
  });

  it('sequential: one after the other and from the start again', () => {
    const rows = [1, 2, 3, 4, 5].map((pair) => rowOfPair(table('sequential', 3), pair)[0]);
    expect(rows).toEqual(['0', '1', '2', '0', '1']);
  });

  it('random: all about equally often, the same for the same pair', () => {
    const data = table('random', 7);
    const counts = new Map<string, number>();
    for (let pair = 1; pair <= 14_000; pair += 1) {
      const row = rowOfPair(data, pair)[0]!;
      expect(rowOfPair(data, pair)[0]).toBe(row);
      counts.set(row, (counts.get(row) ?? 0) + 1);
    }
    expect(Math.min(...counts.values())).toBeGreaterThan(1800);
    expect(Math.max(...counts.values())).toBeLessThan(2200);
  });
});

describe('values stay where they were put', () => {
  const kindWith = (value: string, request: object) =>
    workloadSchema.parse({
      rate: 1,
      requests: [{ name: 'a', data: { columns: ['v'], rows: [[value]] }, ...request }],
    }).requests[0]!;
  const any = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('"', '\ud800', '${sequence}', '../..', '?a=b&c#d'),
  );

  it('in a path', () => {
    fc.assert(
      fc.property(any, (value) => {
        const { path } = renderRequest(kindWith(value, { path: '/a/${data.v}/b?q=${data.v}' }), 1);
        expect(path).toMatch(/^[\x21\x22\x24-\x7e]*$/);
        const [, , segment, b] = path.split('?')[0]!.split('/');
        expect(decodeURIComponent(segment!)).toBe(value.toWellFormed());
        expect(b).toBe('b');
        expect(path.split('?')).toHaveLength(2);
        expect(path).not.toContain('&');
      }),
    );
  });

  it('in JSON and in forms', () => {
    fc.assert(
      fc.property(any, (value) => {
        const json = kindWith(value, {
          method: 'POST',
          path: '/',
          headers: { 'Content-Type': 'application/json; charset=utf-8' },
          body: '{"v":"${data.v}","n":${sequence}}',
        });
        expect(JSON.parse(renderRequest(json, 3).body!)).toEqual({ v: value, n: 3 });
        const form = kindWith(value, {
          method: 'POST',
          path: '/',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'v=${data.v}&n=1',
        });
        const fields = new URLSearchParams(renderRequest(form, 3).body);
        expect([...fields]).toEqual([
          ['v', value.toWellFormed()],
          ['n', '1'],
        ]);
      }),
    );
  });
});
