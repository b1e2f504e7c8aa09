import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseCatalogue, readCatalogue } from './catalogue-file.ts';
import { DocumentError } from './yaml-document.ts';

const good = `
services:
  - name: checkout
    hosts: [checkout.localhost]
    healthPath: /health
    workload:
      rate: 100
      requests:
        - { name: search, path: "/search?id=\${sequence}", weight: 3 }
        - { name: order, path: /order, method: POST, expect: { bodyPattern: '"version"' } }
    thresholds:
      - p95 <= baseline + 15%
      - errors{kind=search} < 1%
`;

function problemsOf(text: string) {
  try {
    parseCatalogue(text, 'catalogue.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(DocumentError);
    return (error as DocumentError).problems;
  }
  return [];
}

it('reads a catalogue and fills in what it leaves out', () => {
  const [service] = parseCatalogue(good, 'catalogue.yaml').services;
  expect(service).toMatchObject({
    nodes: { staging: 2, production: 2 },
    shown: [],
    initialBuild: false,
    promotion: { default: 'manual' },
    workload: { arrivals: 'poisson' },
  });
});

it('names every mistake of the schema with its path and line', () => {
  const bad = good.replace('rate: 100', 'rate: fast').replace('name: checkout', 'name: Check Out');
  expect(problemsOf(bad)).toMatchObject([
    { path: 'services[0].name', line: 3 },
    { path: 'services[0].workload.rate', line: 7 },
  ]);
});

it('points at the enclosing part for what is missing, and at an unknown key by name', () => {
  const missing = problemsOf(good.replace('healthPath: /health', 'healtPath: /health'));
  expect(missing).toHaveLength(1);
  expect(missing[0]?.message).toContain('healtPath');
  expect(problemsOf('services:\n  - name: a\n').map((one) => one.path)).toContain(
    'services[0].hosts',
  );
});

it('shows where a threshold is wrong, at its line', () => {
  const [problem, ...rest] = problemsOf(good.replace('+ 15%', '+ 15 apples'));
  expect(rest).toStrictEqual([]);
  expect(problem).toMatchObject({ path: 'services[0].thresholds[0]', line: 12 });
  expect(problem?.message).toContain('^');
});

it.each([
  [
    'a kind that the workload does not have',
    good.replace('kind=search', 'kind=serch'),
    /no request called serch/,
  ],
  ['two requests of one name', good.replace('name: order', 'name: search'), /another request/],
  ['a pattern that is none', good.replace(`'"version"'`, `'('`), /Invalid regular expression/],
  [
    'two services of one name',
    good + good.replace('\nservices:\n', '').replace('checkout.localhost', 'other'),
    /is called checkout already/,
  ],
  [
    'one host for two',
    good + good.replace('\nservices:\n', '').replace('name: checkout', 'name: other'),
    /belongs to the service checkout/,
  ],
  [
    'a first build without an absolute threshold',
    good
      .replace('errors{kind=search} < 1%', 'p50 <= baseline + 5%')
      .replace('healthPath', 'initialBuild: true\n    healthPath'),
    /initialBuild/,
  ],
  ['no requests', good.replace(/requests:\n.*\n.*\n/, 'requests: []\n'), /at least one request/],
  ['text that is no YAML', 'services: [', /./],
  ['nothing', '', /expected object/],
])('refuses %s', (_, text, message) => {
  const problems = problemsOf(text);
  expect(problems.map((one) => one.message).join('\n')).toMatch(message);
});

it('refuses a document that grows without end through its aliases', () => {
  const levels = Array.from(
    { length: 9 },
    (_, n) =>
      `a${String(n + 1)}: &a${String(n + 1)} [${Array(9)
        .fill(`*a${String(n)}`)
        .join(', ')}]`,
  );
  expect(problemsOf(['a0: &a0 [x]', ...levels].join('\n'))[0]?.message).toMatch(/alias/i);
});

it('reads the CSV files that its workloads name, from its own folder only', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'catalogue-'));
  const file = path.join(folder, 'speedgate.yaml');
  const naming = (csv: string): string =>
    good.replace(
      /id=\$\{sequence\}", weight: 3/,
      `id=\${data.id}", weight: 3, data: { file: ${csv} }`,
    );
  try {
    await writeFile(path.join(folder, 'ids.csv'), 'id,name\n7,a\n8,b\n');
    await writeFile(file, naming('ids.csv'));
    const { services } = await readCatalogue(file);
    expect(services[0]?.workload.requests[0]?.data).toEqual({
      order: 'sequential',
      columns: ['id'],
      rows: [['7'], ['8']],
    });
    await writeFile(file, naming('../ids.csv'));
    await expect(readCatalogue(file)).rejects.toThrow(
      /speedgate\.yaml:9:\d+ services\[0\]\.workload\.requests\[0\]\.data\.file: "\.\.\/ids\.csv" leads out/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
