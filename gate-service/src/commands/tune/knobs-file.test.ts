import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { parseKnobsFile, readKnobsFile } from './knobs-file.ts';
import { knobsJsonSchema } from './knobs-schema.ts';

const DOCS = join(import.meta.dirname, '../../../../docs');

/** The example, with what its constraint names. */
const example = `{"knobs":[{"name":"workers","kind":"integer","low":32,"high":4096,"scale":"log","start":400},
          {"name":"threads","kind":"integer","low":1,"high":64,"start":25},
          {"name":"keepalive","kind":"boolean","start":true},
          {"name":"idle","kind":"real","low":0.1,"high":60,"scale":"log","start":5,"unit":"s",
           "inactiveWhen":{"knob":"keepalive","value":false}},
          {"name":"balancer","kind":"categorical","choices":["least","round"],"start":"least"}],
 "constraints":["workers % threads == 0", "workers <= rate"], "limits":[{"metric":"errors","max":0.02}],
 "context":{"rate":1000,"mix":0.7}}`;

function mistakesOf(text: string): string[] {
  try {
    parseKnobsFile(text, 'k.json');
  } catch (error) {
    return (error as Error).message.split('\n').slice(1);
  }
  return [];
}

describe('parseKnobsFile', () => {
  it('makes a problem of it', () => {
    const { problem } = parseKnobsFile(example);
    expect(problem.start).toEqual({
      workers: 400,
      threads: 25,
      keepalive: true,
      idle: 5,
      balancer: 'least',
    });
    expect(problem.space.names).toEqual(['workers', 'threads', 'keepalive', 'idle', 'balancer']);
    expect(problem.space.knobs.workers).toMatchObject({ kind: 'integer', scale: 'log' });
    expect(problem.space.isActive('idle', { ...problem.start, keepalive: false })).toBe(false);
    expect(problem.limits).toEqual([{ metric: 'errors', max: 0.02 }]);
    expect(problem.context).toEqual({ rate: 1000, mix: 0.7 });
    expect(problem.space.check({ ...problem.start, workers: 2010 })).toMatchObject({
      ok: false,
      violations: [{ rule: 'workers % threads == 0' }, { rule: 'workers <= rate' }],
    });
  });

  it('takes YAML, tabs in JSON and a schema for editors', () => {
    const yaml = 'knobs:\n  - {name: a, kind: boolean, start: true}\n';
    expect(parseKnobsFile(yaml).problem.start).toEqual({ a: true });
    const tabs = JSON.stringify(
      { $schema: 'x.json', ...(JSON.parse(example) as object) },
      null,
      '\t',
    );
    expect(parseKnobsFile(tabs).problem).toMatchObject({ context: { rate: 1000 } });
  });

  it('is another task when a number, a rule or the order is, and not for other words', () => {
    const { identity } = parseKnobsFile(example);
    const changed = (from: string, to: string): string =>
      parseKnobsFile(example.replace(from, to)).identity;
    expect(changed('"rate":1000', '"rate":1001')).not.toBe(identity);
    expect(changed('"start":400', '"start":500')).not.toBe(identity);
    expect(changed('"max":0.02', '"max":0.03')).not.toBe(identity);
    expect(changed('"workers <= rate"', '"workers < rate"')).not.toBe(identity);
    expect(changed('"unit":"s"', '"unit":"seconds"')).toBe(identity);
  });

  it('says every mistake at once, with line and field', () => {
    const mistakes = mistakesOf(`{
"knobs": [
  {"name":"workers","kind":"integer","low":32,"high":16,"start":20},
  {"name":"workers","kind":"boolean","start":"yes"},
  {"name":"idle","kind":"real","low":0,"high":60,"scale":"log","start":99},
  {"name":"balancer","kind":"categorical","choices":["a","a"],"start":"b"},
  {"name":"x y","kind":"boolean","start":true, "inactiveWhen":{"knob":"gone","value":1}},
  {"name":"on","kind":"boolean","start":true, "colour":"red"},
  {"name":"off","kind":"boolean","start":true, "inactiveWhen":{"knob":"real","value":9}},
  {"name":"real","kind":"real","low":0,"high":1,"start":0.5},
  {"name":"toString","kind":"boolean","start":true},
  {"kind":"float"}, "x"
],
"constraints": ["workers %% 2 == 0", "real > nothing", "rate > 1", "off", "off", 7],
"limits": [{"metric":"errors"}, {"metric":"p99","max":1}, {"metric":"p99","max":2}],
"context": {"rate":"high", "off": 1, "a b": 1},
"knob": []
}`);
    const place = (line: number, field: string): RegExp =>
      new RegExp(String.raw`^  - k\.json:${line}:\d+ ${field}: `);
    const escaped = (text: string): string => text.replace(/[[\].]/g, String.raw`\$&`);
    for (const [line, field, words] of [
      [3, 'knobs[0].high', 'must be above low (32), got 16'],
      [4, 'knobs[1].name', 'two knobs are named workers'],
      [4, 'knobs[1].start', 'boolean'],
      [5, 'knobs[2].low', 'above 0 on a logarithmic scale'],
      [5, 'knobs[2].start', 'must be within 0..60, got 99'],
      [6, 'knobs[3].choices', 'twice'],
      [6, 'knobs[3].start', 'must be one of a, a, got "b"'],
      [7, 'knobs[4].name', 'a name is 1 to 64 letters'],
      [8, 'knobs[5]', 'colour'],
      [9, 'knobs[6].inactiveWhen', 'real must be a number within 0..1, got 9'],
      [11, 'knobs[8].name', 'a meaning of its own'],
      [12, 'knobs[9].kind', 'integer, real, boolean or categorical'],
      [12, 'knobs[10]', 'expected a knob'],
      [14, 'constraints[0]', 'cannot read the expression'],
      [14, 'constraints[1]', 'cannot read the expression'],
      [14, 'constraints[2]', 'it names no knob'],
      [14, 'constraints[4]', 'twice'],
      [14, 'constraints[5]', 'string'],
      [15, 'limits[0].max', 'is missing, expected number'],
      [15, 'limits[2].metric', 'two limits are on p99'],
      [16, 'context.rate', 'number'],
      [16, 'context.off', 'a knob has this name'],
      [16, 'context.a b', 'a name is 1 to 64 letters'],
    ] as const) {
      const found = mistakes.filter((one) => place(line, escaped(field)).test(one));
      expect(found.join('\n'), `${line} ${field}\n${mistakes.join('\n')}`).toContain(words);
    }
    expect(mistakes.join('\n')).toContain('"knob"');
    expect(mistakes.join('\n')).toMatch(/\n {8}workers %% 2 == 0\n {17}\^ expected a number/);
  });

  it.each([
    ['', 'expected'],
    ['{"knobs":[]}', 'at least one knob'],
    ['{"knobs":[{"name":"a","kind":"boolean","start":true}', 'k.json:1:'],
    [
      '{"knobs":[{"name":"a","kind":"boolean","start":true},{"name":"a","kind":"boolean","start":true}]}',
      'two knobs are named a',
    ],
    [
      '{"knobs":[{"name":"a","kind":"integer","low":1,"high":9,"start":4}],"constraints":["a % 3 == 0"]}',
      'constraints[0]: the start values break it: a % 3 == 0 does not hold; a = 4',
    ],
    ['{"knobs":[{"name":"a","kind":"boolean","start":true,"start":false}]}', 'unique'],
    ['[1]', 'expected'],
  ])('refuses %j', (text, words) => {
    expect(mistakesOf(text).join('\n')).toContain(words);
  });
});

describe('readKnobsFile', () => {
  it('names a file that is not there, or too large', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knobs-file-'));
    try {
      const file = join(folder, 'knobs.json');
      expect(() => readKnobsFile(file)).toThrow(`the knobs file ${file} cannot be read: ENOENT`);
      await writeFile(file, '');
      await truncate(file, 2 * 1024 * 1024);
      expect(() => readKnobsFile(file)).toThrow('at most 1048576 are read');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it('reads the example of the documentation', async () => {
  const page = await readFile(join(DOCS, 'tune.md'), 'utf8');
  const [, text = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
  expect(parseKnobsFile(text).problem.space.names).toContain('workers');
});

it('is described by the schema in the repository', async () => {
  const file = join(DOCS, 'knobs.schema.json');
  const config = await resolveConfig(file);
  const text = await format(JSON.stringify(knobsJsonSchema()), { ...config, parser: 'json' });
  try {
    await expect(text).toMatchFileSnapshot(file);
  } catch (error) {
    throw new Error(
      'docs/knobs.schema.json does not say what a knobs file is any more. Renew it: npx vitest run --project unit gate-service/src/commands/tune --update',
      { cause: error },
    );
  }
});
