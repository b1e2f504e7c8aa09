/** What a receiver and a waiting Jenkins job hear of a real run, also when the service dies in between. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { prepareGate, SERVICE, type TestGate } from '../support/gate-fixture.ts';
import { until } from '../support/processes.ts';
import { openReceiver } from '../support/webhook-receiver.ts';
import type { Received, WebhookReceiver } from '../support/webhook-receiver.ts';

const MAIN = join(import.meta.dirname, '../../gate-service/src/main.ts');
const SECRET = randomBytes(24).toString('hex');
const HOOK = 'bef13807-a161-4193-ab95-6cb974afc71d';
/** A delivery that was under way when its process died is due again two minutes later, when its claim ends. */
const REDELIVERED_MS = 240_000;

let gate: TestGate;
let chat: WebhookReceiver;
let jenkins: WebhookReceiver;

beforeAll(async () => {
  chat = await openReceiver();
  jenkins = await openReceiver();
  gate = await prepareGate();
  const file = join(gate.state, 'webhooks.yaml');
  await writeFile(join(gate.state, 'webhook-secret'), SECRET, { mode: 0o600 });
  await writeFile(
    file,
    `publicUrl: https://gate.example.com
endpoints:
  - { name: chat, url: "${chat.url}/hooks", secretFile: "${gate.state}/webhook-secret" }
  - { name: ci, url: "${jenkins.url}/jenkins/", format: jenkins-webhook-step }
`,
  );
  gate.set('SPEED_GATE_WEBHOOKS_FILE', file);
  await gate.startService();
});

afterAll(async () => {
  await gate.close();
  await chat.close();
  await jenkins.close();
});

interface Message {
  readonly type: string;
  readonly run?: Readonly<Record<string, unknown>>;
  readonly links?: Readonly<Record<string, string>>;
}

const bodyOf = ({ body }: Received): Message => JSON.parse(body) as Message;
const heard = (type: string): Promise<Received> =>
  until(`chat hears of a ${type}`, () => chat.received.find((one) => bodyOf(one).type === type));

it('a receiver hears of production and of the decision, and the job that waits is woken', async () => {
  await heard('ping');
  await heard('promotion');

  // It is away when the run ends, and the service dies before it is back.
  chat.answer = (response) => response.writeHead(503).end();
  const build = await gate.upload('broken-start');
  const id = await gate.submit({ build, wake: { endpoint: 'ci', token: HOOK } });
  const run = await gate.finished(id);
  const woken = await until('the job is woken', () => jenkins.received[0]);
  expect(woken.path).toBe(`/jenkins/webhook-step/${HOOK}`);
  expect(woken.body).toBe(JSON.stringify({ run: id }));

  await gate.killService();
  chat.answer = (response) => response.writeHead(204).end();
  const before = chat.received.length;
  await gate.startService();
  const decision = await until(
    'chat hears of the decision',
    () => chat.received.slice(before).find((one) => bodyOf(one).type === 'decision'),
    { withinMs: REDELIVERED_MS },
  );
  expect(bodyOf(decision)).toMatchObject({
    run: {
      id,
      service: SERVICE,
      build,
      decision: 'rollback',
      cause: run.cause,
      requestedBy: 'tester',
    },
    links: { dashboard: `https://gate.example.com/#/runs/${id}` },
  });
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(
    String(decision.headers['speed-gate-signature']),
  )!;
  expect(signature).toBe(
    createHmac('sha256', SECRET).update(`${time!}.${decision.body}`).digest('hex'),
  );
  expect(jenkins.received).toHaveLength(1);
});

it('a job that nobody can wake is told so', async () => {
  const answer = await gate.call<{ code: string }>('POST', '/v1/runs', {
    json: { service: SERVICE, build: 'a'.repeat(64), wake: { endpoint: 'other', token: HOOK } },
  });
  expect([answer.status, answer.body.code]).toStrictEqual([422, 'unknown-wake']);
});

it('the log names runs, and no secret', async () => {
  const log = await gate.log();
  const lines = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.some(({ event, service }) => event === 'decision' && service === SERVICE)).toBe(
    true,
  );
  expect(lines.some(({ endpoint, state }) => endpoint === 'chat' && state === 'delivered')).toBe(
    true,
  );
  for (const secret of [SECRET, gate.token, HOOK]) expect(log).not.toContain(secret);
});

it('the doctor finds a service that is well', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'doctor', '--json'], {
    env: {
      ...process.env,
      SPEED_GATE_CATALOGUE: join(gate.state, 'catalogue.yaml'),
      SPEED_GATE_IDENTITIES_FILE: join(gate.state, 'tokens.yaml'),
      SPEED_GATE_WEBHOOKS_FILE: join(gate.state, 'webhooks.yaml'),
      SPEED_GATE_STATE: gate.state,
      SPEED_GATE_LISTEN: `127.0.0.1:${gate.ports.listen}`,
      SPEED_GATE_STAGING_PORT: String(gate.ports.staging),
      SPEED_GATE_PRODUCTION_PORT: String(gate.ports.production),
    },
  });
  const { findings, problems } = JSON.parse(stdout) as {
    problems: number;
    findings: { area: string; status: string; words: string }[];
  };
  expect(problems, stdout).toBe(0);
  const about = (area: string) => findings.filter((one) => one.area === area);
  expect(about('leftovers')).toMatchObject([{ status: 'ok' }]);
  expect(about('ports').every(({ status }) => status === 'ok')).toBe(true);
  expect(about('webhooks').map(({ status }) => status)).toStrictEqual(['ok', 'ok']);
  expect(about('audit')[0]?.words).toMatch(/^whole/);
});
