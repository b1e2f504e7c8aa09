/** The demo: production with users, three pushes through the Jenkinsfile step, and a check of each. */
import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { localPlatformDown } from '../platforms/local/existing-platform.ts';
import { BOUND_LATER, freePorts } from '../processes/free-port.ts';
import { readCatalogue } from '../settings/catalogue-file.ts';
import type { Components } from '../settings/components.ts';
import { GateClient } from './gate-client.ts';
import { runPipeline } from './pipeline.ts';
import { startProductionTraffic, type TrafficCounters } from './production-traffic.ts';
import { pushes, type Push } from './pushes.ts';
import { rejudge } from './rejudge.ts';
import { describeRun } from './report.ts';
import { startService } from './service-process.ts';
import { checkPush, pushResult, type PushResult } from './verdict-check.ts';

const SERVICE = 'checkout';
const FIRST_BUILD = '1.0';
const READY_MS = 180_000;
const USERS_PER_SECOND = 40;
const USERS_CONNECTIONS = 64;
const USERS_TIMEOUT_MS = 15_000;
/** An hour of users: the demo is long over, or somebody forgot it. */
const USERS_MAX_REQUESTS = USERS_PER_SECOND * 3600;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sample = path.join(root, 'resources/sample-application');

export interface DemoOptions {
  readonly components: Components;
  readonly say: (line: string) => void;
  /** Ends the demo in order. */
  readonly signal: AbortSignal;
  /** Told once all pushes were played; the demo stays up until it resolves. */
  readonly look: (where: { readonly url: string; readonly token: string }) => Promise<void>;
}

export interface DemoResult {
  readonly demo: readonly PushResult[];
  readonly production: { readonly requests: number; readonly failed: number };
  readonly seconds: number;
  /** What did not end as it must; empty when all did. */
  readonly wrong: readonly string[];
}

/** Plays the demo; whatever happens, nothing it started is left. */
export async function playDemo(options: DemoOptions): Promise<DemoResult> {
  const startedAt = performance.now();
  const state = await mkdtemp(path.join(tmpdir(), 'speed-gate-demo-'));
  try {
    const played = await play(options, state);
    return { ...played, seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
  } finally {
    await localPlatformDown(state);
    await rm(state, { recursive: true, force: true });
  }
}

async function play(
  { components, look, say, signal }: DemoOptions,
  state: string,
): Promise<Omit<DemoResult, 'seconds'>> {
  const catalogueFile = path.join(sample, 'speedgate.yaml');
  const catalogue = await readCatalogue(catalogueFile);
  const service = catalogue.services.find(({ name }) => name === SERVICE);
  if (service === undefined) throw new Error(`${catalogueFile} has no service ${SERVICE}`);
  const token = randomBytes(24).toString('base64url');
  const identitiesFile = path.join(state, 'identities.yaml');
  await writeFile(identitiesFile, identitiesYaml(token), { mode: 0o600 });
  const [listen = 0, staging = 0, production = 0] = await freePorts(3, '127.0.0.1', BOUND_LATER);
  const url = `http://127.0.0.1:${String(listen)}`;

  say('starting proxies, Prometheus, two production nodes with 1.0, and the gate service');
  const gate = startService({
    environment: {
      ...process.env,
      SPEED_GATE_CATALOGUE: catalogueFile,
      SPEED_GATE_LISTEN: `127.0.0.1:${String(listen)}`,
      SPEED_GATE_PRODUCTION_PORT: String(production),
      SPEED_GATE_STAGING_PORT: String(staging),
      SPEED_GATE_STATE: state,
      SPEED_GATE_IDENTITIES_FILE: identitiesFile,
    },
    production: `${SERVICE}=${components.wars[FIRST_BUILD].path}`,
    logFile: path.join(state, 'serve.log'),
  });
  try {
    const client = new GateClient(url, token);
    await gate.ready(client, READY_MS);
    say(`the gate service is ready: ${url}/ (token ${token})`);
    const users = startProductionTraffic({
      host: '127.0.0.1',
      port: production,
      authority: service.hosts[0] ?? SERVICE,
      paths: service.workload.requests
        .filter(({ method }) => method === 'GET')
        .map(({ path: request }) => request),
      requestsPerSecond: USERS_PER_SECOND,
      connections: USERS_CONNECTIONS,
      timeoutMs: USERS_TIMEOUT_MS,
      maxRequests: USERS_MAX_REQUESTS,
    });
    const results: PushResult[] = [];
    const wrong: string[] = [];
    let served: TrafficCounters;
    try {
      for (const push of pushes) {
        signal.throwIfAborted();
        say('');
        say(`push ${push.build}: ${push.about}`);
        await pushThroughPipeline(push, { components, say, signal, state, token, url });
        const run = await client.runLabelled(SERVICE, push.build);
        for (const line of describeRun(run)) say(line);
        const rejudged =
          push.addedWait === undefined
            ? []
            : await rejudge(await client.samples(run.id), service.thresholds);
        const found = checkPush(push, run, rejudged);
        for (const problem of found) say(`  NOT AS IT MUST BE: ${problem}`);
        wrong.push(...found.map((problem) => `${push.build}: ${problem}`));
        results.push(pushResult(push, run));
      }
      say('');
      say(`dashboard: ${url}/ (token ${token})`);
      await look({ url, token });
    } finally {
      served = await users.stop();
    }
    const reasons = Object.entries(served.failures).map(
      ([reason, count]) => `${String(count)} x ${reason}`,
    );
    say(
      `production: ${String(served.sent)} requests sent, ${String(served.failed)} failed${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`,
    );
    if (served.failed > 0) wrong.push(`production: ${String(served.failed)} requests failed`);
    if (served.sent === 0) wrong.push('production: no request was sent');
    return {
      demo: results,
      production: { requests: served.sent, failed: served.failed },
      wrong,
    };
  } finally {
    await gate.stop();
  }
}

async function pushThroughPipeline(
  push: Push,
  context: {
    readonly components: Components;
    readonly say: (line: string) => void;
    readonly signal: AbortSignal;
    readonly state: string;
    readonly token: string;
    readonly url: string;
  },
): Promise<void> {
  const { components, say, signal, state, token, url } = context;
  const workspace = path.join(state, 'workspaces', push.build);
  await mkdir(path.join(workspace, 'target'), { recursive: true });
  await copyFile(components.wars[push.build].path, path.join(workspace, 'target/checkout.war'));
  const result = await runPipeline({
    java: components.java.path,
    classpathDir: components.pipelineLibraries.classpathDir,
    library: root,
    workspace,
    jenkinsfile: path.join(sample, 'Jenkinsfile'),
    environment: {
      SPEED_GATE_URL: url,
      BUILD_TAG: `demo-checkout-${push.build}`,
      BUILD_VERSION: push.build,
    },
    secrets: { 'speed-gate': token },
    onLine: (line) => {
      say(`  | ${line}`);
    },
    signal,
  });
  say(`  pipeline: ${result}`);
}

/** One token that may do all that the demo shows. */
function identitiesYaml(token: string): string {
  const sha256 = createHash('sha256').update(token).digest('hex');
  return JSON.stringify({
    tokens: [
      { name: 'demo', kind: 'person', sha256, rights: ['read', 'run', 'promote', 'override'] },
    ],
  });
}
