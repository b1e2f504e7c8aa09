/** Dashboard and alerts speak of numbers that /metrics really has, and a real Prometheus understands them. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { freePort } from '../../gate-service/src/processes/free-port.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import { openApiFixture, runView, tokenFor } from '../support/api-fixture.ts';
import type { ApiFixture } from '../support/api-fixture.ts';

const FOLDER = join(import.meta.dirname, '../../resources/observability');
const RULES = join(FOLDER, 'prometheus-rules.yaml');
const RULES_TEST = join(FOLDER, 'prometheus-rules.test.yaml');
const WITHIN = { timeout: 60_000, interval: 200 };

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string }[];
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
}

let fixture: ApiFixture;
let folder: string;
let prometheus: ChildProcess;
let url: string;
let panels: readonly Panel[];
let rules: readonly Rule[];

beforeAll(async () => {
  const dashboard = JSON.parse(await readFile(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as {
    panels: readonly Panel[];
  };
  panels = dashboard.panels;
  const { groups } = parse(await readFile(RULES, 'utf8')) as {
    groups: readonly { rules: readonly Rule[] }[];
  };
  rules = groups.flatMap((group) => group.rules);

  fixture = await openApiFixture();
  await fixture.runs.begin(runView({ id: 'run-1' }));
  await fixture.runs.begin(runView({ id: 'run-2' }));
  await fixture.store.updateRun('run-2', 1, {
    phase: 'finished',
    decision: 'rollback',
    cause: 'breached',
    finishedAt: new Date(Date.now() + 1_000).toISOString(),
  });
  const address = await fixture.app.listen({ host: '127.0.0.1', port: 0 });

  folder = await mkdtemp(join(tmpdir(), 'speed-gate-observability-'));
  const configuration = join(folder, 'prometheus.yaml');
  await writeFile(
    configuration,
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [RULES],
      scrape_configs: [
        {
          job_name: 'speed-gate',
          authorization: { credentials: tokenFor('read') },
          static_configs: [{ targets: [new URL(address).host] }],
        },
      ],
    }),
  );
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  prometheus = spawn(
    loadComponents().prometheus.path,
    [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await vi.waitFor(async () => {
    expect(await valueOf('up{job="speed-gate"}')).toBe(1);
  }, WITHIN);
});

afterAll(async () => {
  const ended = new Promise((resolve) => {
    prometheus.once('exit', resolve);
  });
  prometheus.kill('SIGTERM');
  await ended;
  await fixture.close();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

async function ask(query: string): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query }),
  });
  return (await response.json()) as Answer;
}

async function valueOf(query: string): Promise<number | undefined> {
  const value = (await ask(query)).data?.result[0]?.value[1];
  return value === undefined ? undefined : Number(value);
}

/** Without what a histogram adds to its name. */
function namesIn(expression: string): string[] {
  return [...expression.matchAll(/\bspeed_gate_[a-z0-9_]+/g)].map(([name]) => name);
}

async function families(): Promise<ReadonlySet<string>> {
  const { body } = await fixture.app.inject({
    url: '/metrics',
    headers: { authorization: `Bearer ${tokenFor('read')}` },
  });
  return new Set(
    [...body.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name!}_bucket`, `${name!}_sum`, `${name!}_count`] : [name!],
    ),
  );
}

describe('the dashboard', () => {
  const expressions = (): string[] =>
    panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it('speaks of numbers that /metrics has', async () => {
    const known = await families();
    const names = new Set(expressions().flatMap(namesIn));
    expect(names.size).toBeGreaterThan(20);
    expect([...names].filter((name) => !known.has(name))).toStrictEqual([]);
  });

  it('asks what a real Prometheus understands, about what is there now too', async () => {
    for (const expression of expressions()) {
      const query = expression.replaceAll('$service', '.*').replaceAll('$__rate_interval', '1m');
      expect(query).not.toContain('$');
      expect(await ask(query), query).toMatchObject({ status: 'success' });
    }
    expect(await valueOf('sum(speed_gate_driving)')).toBe(1);
    expect(await valueOf('max(speed_gate_runs_unfinished{phase="queued"})')).toBe(1);
    expect(await valueOf('speed_gate_runs_finished_total{cause="breached"}')).toBe(1);
  });

  it('has a unit or a description at every panel, and none twice in a place', () => {
    const shown = panels as readonly (Panel & {
      readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
    })[];
    const places = shown.map(({ gridPos: { x, y } }) => `${x},${y}`);
    expect(new Set(places).size).toBe(places.length);
    expect(shown.every(({ gridPos: { w, x } }) => x + w <= 24)).toBe(true);
    const bare = shown.filter(
      ({ description = '', fieldConfig, type }) =>
        type !== 'row' && description === '' && fieldConfig?.defaults.unit === undefined,
    );
    expect(bare.map(({ title }) => title)).toStrictEqual([]);
  });
});

describe('the alerts', () => {
  it('speak of numbers that /metrics has', async () => {
    const known = await families();
    const names = new Set(rules.flatMap(({ expr }) => namesIn(expr)));
    expect(names.size).toBeGreaterThan(10);
    expect([...names].filter((name) => !known.has(name))).toStrictEqual([]);
  });

  it('are taken by promtool, and do what their own tests say', async () => {
    const beside = join(dirname(loadComponents().prometheus.path), 'promtool');
    const promtool = existsSync(beside) ? beside : 'promtool';
    const run = promisify(execFile);
    const checked = await run(promtool, ['check', 'rules', RULES]);
    expect(checked.stdout).toContain(`SUCCESS: ${rules.length} rules found`);
    await run(promtool, ['test', 'rules', RULES_TEST]);
  });

  it('are each seen to fire by one of these tests', async () => {
    const { tests } = parse(await readFile(RULES_TEST, 'utf8')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const fired = tests
      .flatMap((test) => test.alert_rule_test)
      .filter((check) => check.exp_alerts.length > 0)
      .map(({ alertname }) => alertname);
    expect([...new Set(fired)].sort()).toStrictEqual(rules.map(({ alert }) => alert).sort());
  });

  it('are evaluated by a real Prometheus, and none fires on a service that is well', async () => {
    await vi.waitFor(async () => {
      const response = await fetch(`${url}/api/v1/rules`);
      const { data } = (await response.json()) as {
        data: { groups: { rules: { name: string; health: string; state: string }[] }[] };
      };
      const found = data.groups.flatMap((group) => group.rules);
      expect(found.map(({ name }) => name)).toStrictEqual(rules.map(({ alert }) => alert));
      expect(found.filter(({ health }) => health !== 'ok')).toStrictEqual([]);
      expect(found.filter(({ state }) => state === 'firing')).toStrictEqual([]);
    }, WITHIN);
  });
});
