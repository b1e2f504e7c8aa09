/** Whatever is wrong is said where the person looks, and baseline and production stay as they are. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InForce } from '../../gate-service/src/runs/run-store.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import {
  components,
  startGate,
  SERVICE,
  type Answer,
  type ProblemBody,
  type TestGate,
} from '../support/gate-fixture.ts';
import { makeZip } from '../support/make-zip.ts';
import { playPipeline } from './pipeline-fixture.ts';

const ABSENT = 'a'.repeat(64);

let gate: TestGate;
let inForce: InForce;
/** Identities of production's processes: untouched means the very same ones. */
let production: string;

async function productionProcesses(): Promise<string> {
  const nodes = await gate.nodes('production');
  return JSON.stringify(
    nodes.map(({ name, status }) => [
      name,
      status?.httpd?.usage.pid,
      status?.jetty?.usage.pid,
      status?.generations,
    ]),
  );
}

beforeAll(async () => {
  gate = await startGate({ rate: 40 });
  inForce = (await gate.service()).inForce!;
  production = await productionProcesses();
});

afterEach(async () => {
  expect((await gate.service()).inForce).toEqual(inForce);
  expect(Object.fromEntries(await gate.weights())).toEqual({ [inForce.armId]: 100 });
  expect(await gate.productionVersion()).toBe('1.0');
  expect(await productionProcesses()).toBe(production);
  expect(await gate.nodes('staging')).toEqual([]);
});

afterAll(async () => {
  await gate.close();
});

const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

async function refused(
  status: number,
  code: string,
  answer: Promise<Answer<ProblemBody>>,
): Promise<string> {
  const { status: seen, body, headers } = await answer;
  expect({ status: seen, code: body.code }).toEqual({ status, code });
  expect(headers['content-type']).toContain('application/problem+json');
  return `${body.detail} ${(body.errors ?? []).map(({ pointer }) => pointer).join(' ')}`;
}

const ask = (json: Readonly<Record<string, unknown>>) =>
  gate.call('POST', '/v1/runs', { json: { service: SERVICE, profile: 'quick', ...json } });

describe('at the API', () => {
  it('a token that nobody has, none at all, or one without the right', async () => {
    const service = `/v1/services/${SERVICE}`;
    await refused(401, 'unauthorized', gate.call('GET', service, { token: 'x'.repeat(32) }));
    await refused(401, 'unauthorized', gate.call('GET', service, { token: '' }));
    const words = await refused(
      403,
      'forbidden',
      gate.call('POST', '/v1/runs', {
        token: gate.readerToken,
        json: { service: SERVICE, build: ABSENT },
      }),
    );
    expect(words).toMatch(/reader.*run|run.*reader/);
  });

  it('a service that is not in the catalogue', async () => {
    const build = await gate.upload('1.1');
    expect(await refused(422, 'unknown-service', ask({ service: 'chekout', build }))).toMatch(
      /"chekout".*known: checkout.*\/service/,
    );
    await refused(404, 'unknown-service', gate.call('GET', '/v1/services/chekout'));
  });

  it('a build that was not uploaded', async () => {
    expect(await refused(422, 'unknown-build', ask({ build: ABSENT }))).toMatch(
      /aaaa was not uploaded: PUT \/v1\/builds\/.*\/build/,
    );
    await refused(404, 'unknown-build', gate.call('GET', `/v1/builds/${ABSENT}`));
  });

  it('thresholds that nobody understands, or that no request can meet', async () => {
    const build = await gate.upload('1.1');
    const threshold = (text: string) => ask({ build, thresholds: [text] });
    expect(await refused(422, 'invalid-threshold', threshold('speed <= baseline + 5%'))).toMatch(
      /speed.*\/thresholds\/0/s,
    );
    expect(await refused(422, 'invalid-threshold', threshold('p99 <= 5 bananas'))).toMatch(
      /bananas|unit/,
    );
    expect(
      await refused(422, 'invalid-threshold', threshold('p99{kind=refund} <= baseline + 5%')),
    ).toMatch(/refund.*search.*\/thresholds\/0/);
    await refused(422, 'loosened', threshold('p50 <= baseline + 90%'));
  });

  it('a workload without requests, or with less than the catalogue asks', async () => {
    const build = await gate.upload('1.1');
    expect(
      await refused(400, 'invalid-request', ask({ build, workload: { rate: 40, requests: [] } })),
    ).toMatch(/\/workload\/requests.*at least one request/);
    const requests = [{ name: 'search', path: '/search?id=${sequence}' }];
    expect(
      await refused(422, 'loosened', ask({ build, workload: { rate: 40, requests } })),
    ).toMatch(/search|\/workload/);
  });

  it('a file that has another SHA-256 than announced, or is no WAR; nothing of it stays', async () => {
    const war = await readFile(components.wars['1.1'].path);
    const put = (digest: string, content: Buffer) =>
      gate.call('PUT', `/v1/builds/${digest}`, { content });
    expect(await refused(422, 'digest-mismatch', put(ABSENT, war))).toContain(
      components.wars['1.1'].sha256,
    );
    const text = Buffer.from('this is no WAR');
    expect(await refused(422, 'not-a-war', put(digestOf(text), text))).toContain('no WAR');
    const jar = makeZip({ 'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\n' });
    expect(await refused(422, 'not-a-war', put(digestOf(jar), jar))).toContain('WEB-INF');
    for (const digest of [ABSENT, digestOf(text), digestOf(jar)]) {
      await refused(404, 'unknown-build', gate.call('GET', `/v1/builds/${digest}`));
    }
  });
});

/** A run of a build that cannot serve: decided without a measurement, in words that name the reason. */
async function expectFailed(run: RunView, reason: RegExp): Promise<void> {
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed', evidence: [] });
  expect(run.attempts).toEqual([]);
  expect(run.summary).toMatch(reason);
  expect(run.summary).toContain('Nothing had to be restored');
  const decision = (await gate.events(run.id)).at(-1);
  expect(decision).toMatchObject({ type: 'decision' });
  expect(decision!.message).toMatch(reason);
}

describe('a WAR that cannot serve', () => {
  it('answers 500: the run ends platform-failed and names the status and the path', async () => {
    const run = await gate.finished(await gate.submit({ build: await gate.upload('broken-500') }));
    await expectFailed(run, /answers 500 on \/health/);
  });

  it('does not start: the log of the step ends with its exception', async () => {
    const { result, log } = await playPipeline(
      gate,
      `speedGate(service: 'checkout', build: 'app.war', profile: 'quick', tune: 'off')`,
      components.wars['broken-start'].path,
    );
    const exception = /IllegalStateException: Build broken-start of checkout does not start/;
    expect(result).toBe('FAILURE');
    expect(log).toMatch(exception);
    expect(log).toMatch(/speedGate: rollback \(platform-failed\)/);
    const { latestRun } = await gate.service();
    expect(latestRun!.build).toBe(components.wars['broken-start'].sha256);
    await expectFailed(await gate.finished(latestRun!.id), exception);
  });
});

describe('in the log of the step', () => {
  const call = `speedGate(service: 'checkout', build: 'app.war', profile: 'quick')`;

  it('a wrong token is named as such, and no secret is in the log', async () => {
    const token = 'w'.repeat(40);
    const { result, log } = await playPipeline(gate, call, components.wars['1.1'].path, token);
    expect(result).toBe('FAILURE');
    expect(log).toMatch(/GateRefused: .*'upload' \(401\).*credentialsId/);
    expect(log).not.toContain(token);
  });

  it('a file that is no WAR', async () => {
    const file = join(gate.state, 'no.war');
    await writeFile(file, 'this is no WAR');
    const { result, log } = await playPipeline(gate, call, file);
    expect(result).toBe('FAILURE');
    expect(log).toMatch(/GateRejected: .*'upload' \(422\): the file is no WAR/);
  });

  it('an unknown service and a wrong threshold', async () => {
    const war = components.wars['1.1'].path;
    const unknown = await playPipeline(gate, call.replace('checkout', 'chekout'), war);
    expect(unknown.result).toBe('FAILURE');
    expect(unknown.log).toMatch(/GateRejected: .*'submit' \(422\): .*"chekout".*known: checkout/);
    const wrong = await playPipeline(
      gate,
      call.replace(')', `, thresholds: ['speed <= baseline + 5%'])`),
      war,
    );
    expect(wrong.result).toBe('FAILURE');
    expect(wrong.log).toMatch(/GateRejected: .*'submit' \(422\): .*speed/s);
  });
});
