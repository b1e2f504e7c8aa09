/**
 * Pushes through the pipeline's steps: promoted by the gate, rolled back, ordered into production on the gate's page and in
 * Jenkins' dialog, taken back, and promoted by a person where the job may not.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import type { AuditEntry, InForce } from '../../gate-service/src/runs/run-store.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { components, prepareGate, SERVICE, type TestGate } from '../support/gate-fixture.ts';
import { until } from '../support/processes.ts';
import { ProductionWatch } from '../faults/production-watch.ts';
import {
  ASK,
  playJenkinsfile,
  TELLING,
  TELLING_RATE,
  UNTIL_SHOWN,
  type Played,
  type PlayOptions,
} from './pipeline-fixture.ts';

let gate: TestGate;
let users: ProductionWatch;
/** Of the job itself: it asks for runs, and orders nothing. */
let jobToken: string;
let auditorToken: string;
/** What the good push has brought. */
let good: InForce;

beforeAll(async () => {
  gate = await prepareGate({
    rate: TELLING_RATE,
    service: {
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      promotion: { default: 'manual', stepSeconds: 2, holdSeconds: 2, minimumRequests: 20 },
    },
  });
  jobToken = await addToken('job', ['read', 'run']);
  auditorToken = await addToken('auditor', ['read', 'admin']);
  await gate.startService();
  users = new ProductionWatch(gate);
  await users.served(10);
});

afterAll(async () => {
  const seen = await users.stop();
  await gate.close();
  // Promoted, ordered in and taken back: users notice nothing of it.
  expect(seen).toMatchObject({ failed: 0 });
  expect(seen.sent).toBeGreaterThan(100);
});

/** One more line of the identities file, before the service starts. */
async function addToken(name: string, rights: readonly string[]): Promise<string> {
  const file = join(gate.state, 'tokens.yaml');
  const known = JSON.parse(await readFile(file, 'utf8')) as { readonly tokens: readonly unknown[] };
  const token = `${gate.token}-${name}`;
  const kind = name === 'job' ? 'ci' : 'person';
  const added = { name, kind, sha256: tokenDigest(token), rights };
  await writeFile(file, JSON.stringify({ tokens: [...known.tokens, added] }));
  return token;
}

/** As a job whose credential `speed-gate` may order nothing, unless told; `ann-approver` is that of a person. */
async function play(text: string, war: string, options: PlayOptions = {}): Promise<Played> {
  const secrets = { 'ann-approver': gate.approverToken, ...options.secrets };
  const played = await playJenkinsfile(gate, text, war, { token: jobToken, ...options, secrets });
  for (const token of [jobToken, gate.approverToken, gate.token]) {
    expect(played.log).not.toContain(token);
  }
  return played;
}

async function latestRun(): Promise<RunView> {
  const { body } = await gate.call<{ items: { id: string }[] }>('GET', '/v1/runs?limit=1');
  return gate.run(body.items[0]!.id);
}

async function inForce(): Promise<InForce> {
  return (await gate.service()).inForce!;
}

/** Who has done it, and why, as the audit has it; the latest first. */
async function audited(subject: string, action: string): Promise<readonly (string | null)[][]> {
  const { body } = await gate.call<{ items: AuditEntry[] }>(
    'GET',
    `/v1/audit?subject=${subject}&limit=200`,
    { token: auditorToken },
  );
  return body.items
    .filter((entry) => entry.action === action)
    .map(({ actor, reason }) => [actor, reason ?? null]);
}

it('a good push is started on a node, waited for on none, and promoted', async () => {
  const { result, log } = await play(
    `def verdict
for (${UNTIL_SHOWN}) {
  def run
  node { run = speedGateStart(${ASK}, promote: 'auto', gateId: "try \${t}") }
  verdict = speedGateWait(run: run, failBuild: false)
}
echo "verdict \${verdict.decision} of \${verdict.runId}"
`,
    components.wars['1.1'].path,
    // Who asks for a run that promotes by itself must be allowed to.
    { token: gate.token },
  );
  const run = await latestRun();
  expect(run, log).toMatchObject({ decision: 'promote', cause: 'met' });
  expect(result).toBe('SUCCESS');
  expect(log).toContain(`[speedGate] promote (met): ${run.summary}`);
  expect(log).toContain(`verdict promote of ${run.id}`);
  for (const { sentence } of run.evidence) expect(log).toContain(sentence);
  for (const { message, type } of await gate.events(run.id)) {
    if (type !== 'progress') expect(log).toContain(`[speedGate] ${message}`);
  }
  expect(await gate.productionVersion()).toBe('1.1');
  good = await inForce();
  expect(good.build).toBe(run.build);
});

it('a slow push is rolled back; a person orders it into production all the same, and the decision stays', async () => {
  let ordered: Promise<unknown> | undefined;
  const { result, log } = await play(
    `def verdict
for (${UNTIL_SHOWN}) {
  node { verdict = speedGate(${ASK}, thresholds: ${TELLING}, failBuild: false, gateId: "try \${t}") }
}
echo 'nothing was changed'
def order = speedGateOverride(run: verdict, where: 'gate', milestone: false, timeoutMinutes: 4)
echo "order \${order.state} by \${order.actor}"
`,
    components.wars['1.2'].path,
    {
      // Whom Jenkins knows as the one who started this build.
      environment: { BUILD_USER_ID: 'tester' },
      onLine: (line) => {
        if (!line.includes('nothing was changed')) return;
        ordered = (async () => {
          expect(await inForce()).toEqual(good);
          expect(await gate.productionVersion()).toBe('1.1');
          return orderPromotion((await latestRun()).id);
        })();
      },
    },
  );
  const run = await latestRun();
  expect(run, log).toMatchObject({
    decision: 'rollback',
    cause: 'breached',
    override: { actor: 'approver', state: 'acted' },
  });
  await ordered;
  expect(result).toBe('SUCCESS');
  expect(log).toContain(`speedGate: rollback (breached): ${run.summary}`);
  expect(log).toContain('order acted by approver');
  await until('the order has brought the build into production', async () =>
    (await gate.productionVersion()) === '1.2' ? true : undefined,
  );
  expect(await inForce()).toMatchObject({ build: run.build, promotionId: run.override!.id });
});

it('the way back: production has what it had before', async () => {
  const run = await latestRun();
  const { result, log } = await play(
    `def back = speedGateRollback(run: '${run.id}', reason: 'the smoke test in production failed', credentialsId: 'ann-approver')
echo "restored \${back.restored}: \${back.build}"
`,
    components.wars['1.2'].path,
  );
  expect(result, log).toBe('SUCCESS');
  expect(log).toContain(`restored true: ${good.build}`);
  expect(await gate.productionVersion()).toBe('1.1');
  const { build, configurationHash } = good;
  expect(await inForce()).toMatchObject({ build, configurationHash });
});

it('the dialog of Jenkins takes the order of an approver alone', async () => {
  const { id, overrides } = await latestRun();
  const reason = 'the release cannot wait for it';
  const answer = (approver: string, speedGateApproval: string) => ({
    ...{ approver, reason, speedGateApproval },
  });
  const { result, log } = await play(
    `def order = speedGateOverride(run: '${id}', where: 'jenkins')
echo "order \${order.order} \${order.state} by \${order.actor}"
`,
    components.wars['1.2'].path,
    {
      secrets: { 'copy-of-the-job': jobToken, 'tester-own': gate.token },
      dialogs: [
        answer('mallory', 'speed-gate'),
        answer('mallory', 'copy-of-the-job'),
        answer('tester', 'tester-own'),
        answer('ann', 'ann-approver'),
      ],
    },
  );
  expect(result, log).toBe('SUCCESS');
  const refusals = log.split('\n').filter((line) => line.includes('the order was not taken'));
  expect(refusals).toEqual([
    expect.stringContaining("the credentials 'speed-gate' are the job's"),
    expect.stringContaining('this token may not override'),
    expect.stringContaining(`tester started the build of run ${id}`),
  ]);
  expect(log).toContain('order promote acted by approver');
  const run = await latestRun();
  const signed = `${reason} (ann in jenkins-test-1)`;
  expect(run).toMatchObject({
    ...{ id, decision: 'rollback', cause: 'breached' },
    override: { actor: 'approver', reason: signed, order: 'promote', state: 'acted' },
  });
  expect(run.overrides).toHaveLength(overrides.length + 1);
  expect(await gate.productionVersion()).toBe('1.2');
  expect(await inForce()).toMatchObject({ build: run.build, promotionId: run.override!.id });
  expect(await audited(id, 'run.override')).toContainEqual(['approver', signed]);
});

it('a good push passes; the job may not promote it, a person does', async () => {
  const { result, log } = await play(
    `def verdict
for (${UNTIL_SHOWN}) {
  node { verdict = speedGate(${ASK}, promote: 'manual', gateId: "manual \${t}", failBuild: false) }
}
try {
  speedGatePromote(run: verdict, reason: 'the job tries it by itself')
} catch (refusal) {
  echo "refused: \${refusal.message}"
}
def done = speedGatePromote(run: verdict, reason: 'approved by the release meeting', credentialsId: 'ann-approver')
echo "promoted \${done.promoted} of \${done.runId}"
`,
    components.wars['1.1'].path,
  );
  const run = await latestRun();
  expect(run, log).toMatchObject({ decision: 'pass', cause: 'met' });
  expect(result, log).toBe('SUCCESS');
  expect(log).toMatch(/refused: GateRefused: .*'promotion' \(403\)/);
  expect(log).toContain(`promoted true of ${run.id}`);
  expect(await gate.productionVersion()).toBe('1.1');
  expect(await inForce()).toMatchObject({
    build: run.build,
    configurationHash: run.configuration!.hash,
  });
  expect(await audited(SERVICE, 'service.promote')).toContainEqual([
    'approver',
    'approved by the release meeting (jenkins-test-1)',
  ]);
});

/** As the form of the dashboard gives it: by a person, having seen how the run stands. */
async function orderPromotion(id: string): Promise<void> {
  const seen = await gate.call('GET', `/v1/runs/${id}`);
  const { status } = await gate.call('POST', `/v1/runs/${id}/override`, {
    token: gate.approverToken,
    headers: { 'if-match': String(seen.headers.etag) },
    json: { order: 'promote', reason: 'a test of the order beside a rollback' },
  });
  expect(status).toBe(202);
}
