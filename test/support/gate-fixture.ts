/** A real `speed-gate serve` in a temporary folder, as its users and its operator see it. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { parse } from 'yaml';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import { GateClient } from '../../gate-service/src/demo/gate-client.ts';
import { startService, type ServiceProcess } from '../../gate-service/src/demo/service-process.ts';
import type { Environment } from '../../gate-service/src/mesh/plan.ts';
import {
  localPlatformDown,
  localPlatformStatus,
  type ComponentStatus,
} from '../../gate-service/src/platforms/local/local-platform.ts';
import { BOUND_LATER, freePorts, isPortFree } from '../../gate-service/src/processes/free-port.ts';
import type { RunEvent, RunRequest, RunView } from '../../gate-service/src/runs/run.ts';
import type { ServiceView } from '../../gate-service/src/runs/run-service.ts';
import { loadComponents, type SampleFlavour } from '../../gate-service/src/settings/components.ts';
import { platformOf, productionWeights, type SeenNode, seenNodes } from './platform-view.ts';
import { childrenOf, processesNaming, until } from './processes.ts';

export const SERVICE = 'checkout';
export const HOST = 'checkout.localhost';
export const components = loadComponents();

const SAMPLE = join(import.meta.dirname, '../../resources/sample-application');
const MAIN = join(import.meta.dirname, '../../gate-service/src/main.ts');
const READY_MS = 180_000;
const RUN_MS = 300_000;

export interface GateOptions {
  /** Changes to the sample's entry in the service catalogue. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** Pairs of requests per second; the sample's own rate unless told. */
  readonly rate?: number;
  /** Path of the build that production starts with; the sample's version 1.0 unless told. */
  readonly production?: string;
}

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body;
}

export interface ProblemBody {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

export interface Call {
  readonly token?: string | undefined;
  readonly json?: unknown;
  readonly content?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A run as it is asked for: the quick profile, no tuning and no promotion unless told. */
export type Asked = Partial<RunRequest> & { readonly build: string };

/** Starts a service that {@link prepareGate} has prepared, and waits until it is ready. */
export async function startGate(options: GateOptions = {}): Promise<TestGate> {
  const gate = await prepareGate(options);
  try {
    await gate.startService();
  } catch (error) {
    await gate.close();
    throw error;
  }
  return gate;
}

/** Writes catalogue and tokens and chooses ports; starts nothing. */
export async function prepareGate(options: GateOptions = {}): Promise<TestGate> {
  const state = await mkdtemp(join(tmpdir(), 'speed-gate-test-'));
  const [listen, staging, production] = await freePorts(3, '127.0.0.1', BOUND_LATER);
  const token = randomBytes(24).toString('base64url');
  await writeFile(join(state, 'catalogue.yaml'), await catalogueText(options));
  await writeFile(
    join(state, 'tokens.yaml'),
    JSON.stringify({
      tokens: [
        {
          name: 'tester',
          kind: 'person',
          sha256: tokenDigest(token),
          rights: ['read', 'run', 'promote', 'override'],
        },
        {
          name: 'approver',
          kind: 'person',
          sha256: tokenDigest(`${token}-approver`),
          rights: ['read', 'promote', 'override'],
        },
        { name: 'reader', kind: 'ci', sha256: tokenDigest(`${token}-reader`), rights: ['read'] },
      ],
    }),
  );
  return new TestGate(
    {
      state,
      token,
      listen: listen!,
      staging: staging!,
      production: production!,
      build: options.production ?? components.wars['1.0'].path,
    },
    {
      ...process.env,
      SPEED_GATE_CATALOGUE: join(state, 'catalogue.yaml'),
      SPEED_GATE_LISTEN: `127.0.0.1:${listen!}`,
      SPEED_GATE_PRODUCTION_PORT: String(production!),
      SPEED_GATE_STAGING_PORT: String(staging!),
      SPEED_GATE_STATE: state,
      SPEED_GATE_IDENTITIES_FILE: join(state, 'tokens.yaml'),
    },
  );
}

async function catalogueText({ service: changes, rate }: GateOptions): Promise<string> {
  const sample = parse(await readFile(join(SAMPLE, 'speedgate.yaml'), 'utf8')) as {
    readonly services: readonly { readonly workload: Readonly<Record<string, unknown>> }[];
  };
  const own = sample.services[0]!;
  const workload = { ...own.workload, ...(rate !== undefined && { rate }) };
  return JSON.stringify({ services: [{ ...own, workload, ...changes }] });
}

interface Place {
  readonly state: string;
  readonly token: string;
  readonly listen: number;
  readonly staging: number;
  readonly production: number;
  /** Path of the build that production starts with. */
  readonly build: string;
}

export class TestGate {
  readonly state: string;
  /** May do everything but administer; `readerToken` may only read, and `approverToken` not run. */
  readonly token: string;
  readonly readerToken: string;
  readonly approverToken: string;
  readonly url: string;
  readonly ports: {
    readonly listen: number;
    readonly staging: number;
    readonly production: number;
  };
  readonly #environment: Record<string, string | undefined>;
  readonly #build: string;
  #service: ServiceProcess | undefined;

  constructor(place: Place, environment: Readonly<Record<string, string | undefined>>) {
    const { build, listen, production, staging, state, token } = place;
    this.state = state;
    this.token = token;
    this.readerToken = `${token}-reader`;
    this.approverToken = `${token}-approver`;
    this.url = `http://127.0.0.1:${listen}`;
    this.ports = { listen, staging, production };
    this.#build = build;
    this.#environment = { ...environment };
  }

  get #logFile(): string {
    return join(this.state, `serve-${String(this.ports.listen)}.log`);
  }

  get servicePid(): number {
    if (this.#service === undefined) throw new Error('the gate service is not running');
    return this.#service.pid;
  }

  /** Changes a variable of the service's environment, for its next start. */
  set(name: string, value: string): void {
    this.#environment[name] = value;
  }

  /**
   * Another process of the same service: the same folder, ports of the platform and tokens, an API port of
   * its own. Not started; end it with {@link stopService} before this one is closed.
   */
  async replica(): Promise<TestGate> {
    const [listen] = await freePorts(1, '127.0.0.1', BOUND_LATER);
    const { state, token } = this;
    const { production, staging } = this.ports;
    return new TestGate(
      { state, token, listen: listen!, staging, production, build: this.#build },
      { ...this.#environment, SPEED_GATE_LISTEN: `127.0.0.1:${listen!}` },
    );
  }

  /** Starts the service (again) on the same folder, ports and environment. */
  async startService(): Promise<void> {
    this.#service = startService({
      environment: this.#environment,
      production: `${SERVICE}=${this.#build}`,
      logFile: this.#logFile,
    });
    await this.#service.ready(new GateClient(this.url, this.token), READY_MS);
  }

  /** Starts a service that must give up, and waits for its end: its exit code and all that it said. */
  async serveToEnd(): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = spawn(
      process.execPath,
      [MAIN, 'serve', '--production', `${SERVICE}=${this.#build}`],
      { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'], timeout: READY_MS },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, output };
  }

  /** Drains the service, if it runs; the platform goes on. */
  async stopService(): Promise<void> {
    await this.#service?.stop();
    this.#service = undefined;
  }

  /** Kills the service; resolves when it and every child of it is gone. */
  async killService(): Promise<void> {
    const children = childrenOf(this.servicePid);
    process.kill(this.servicePid, 'SIGKILL');
    await this.#service?.stop();
    this.#service = undefined;
    await until('the children of the killed service are gone', () =>
      children.every((child) => !child.isRunning()) ? true : undefined,
    );
  }

  async call<Body = ProblemBody>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { token = this.token, json, content, headers }: Call = {},
  ): Promise<Answer<Body>> {
    const body = json === undefined ? content : JSON.stringify(json);
    const answer = await request(`${this.url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: (await answer.body.json()) as Body,
    };
  }

  /** Uploads a build of the sample application and gives its digest. */
  async upload(flavour: SampleFlavour): Promise<string> {
    const { path, sha256 } = components.wars[flavour];
    const content = await readFile(path);
    const { status, body } = await this.call('PUT', `/v1/builds/${sha256}`, { content });
    if (status >= 300) throw new Error(`upload answered ${status}: ${body.detail}`);
    return sha256;
  }

  async submit(asked: Asked): Promise<string> {
    const json = { service: SERVICE, profile: 'quick', tune: 'off', promote: 'never', ...asked };
    const { status, body } = await this.call<RunView & ProblemBody>('POST', '/v1/runs', { json });
    if (status !== 202) throw new Error(`the run was refused (${status}): ${body.detail}`);
    return body.id;
  }

  async run(id: string): Promise<RunView> {
    return (await this.call<RunView>('GET', `/v1/runs/${id}`)).body;
  }

  async service(): Promise<ServiceView> {
    return (await this.call<ServiceView>('GET', `/v1/services/${SERVICE}`)).body;
  }

  async events(id: string): Promise<readonly RunEvent[]> {
    const { body } = await this.call<{ readonly events: readonly RunEvent[] }>(
      'GET',
      `/v1/runs/${id}/events?after=0`,
    );
    return body.events;
  }

  finished(id: string): Promise<RunView> {
    return until(
      `run ${id} has its decision`,
      async () => {
        const run = await this.run(id);
        return run.phase === 'finished' ? run : undefined;
      },
      { withinMs: RUN_MS, everyMs: 200 },
    );
  }

  /**
   * Waits until this attempt of the run has measured its first window, so that requests flow.
   * @throws Error when the run ends before
   */
  measuring(id: string, attempt = 1): Promise<RunView> {
    return until(
      `attempt ${attempt} of run ${id} measures`,
      async () => {
        const run = await this.run(id);
        if (run.phase === 'finished') throw new Error(`the run has ended: ${run.summary ?? ''}`);
        const events = await this.events(id);
        const repeated = events.findLast(({ type }) => type === 'attempt')?.sequence ?? 0;
        const windows = events.filter(
          ({ data, sequence }) => sequence > repeated && Number(data.windows ?? 0) > 0,
        );
        return run.phase === 'measuring' && run.attempts.length === attempt && windows.length > 0
          ? run
          : undefined;
      },
      { withinMs: RUN_MS, everyMs: 100 },
    );
  }

  /** What `speed-gate status` lists. */
  components(): Promise<readonly ComponentStatus[]> {
    return localPlatformStatus(this.state);
  }

  async component(name: string): Promise<ComponentStatus> {
    const found = (await this.components()).find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no component ${name}`);
    return found;
  }

  /** Nodes of an environment with the processes that they consist of. */
  nodes(environment: Environment): Promise<readonly SeenNode[]> {
    return seenNodes(this.state, environment);
  }

  /** Per cent of production by arm, as its Envoy has them. */
  weights(): Promise<ReadonlyMap<string, number>> {
    return productionWeights(this.state, SERVICE);
  }

  /** The version that production answers with now. */
  async productionVersion(): Promise<string> {
    const { statusCode, body } = await request(`http://127.0.0.1:${this.ports.production}/health`, {
      headers: { host: HOST },
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`production answered ${statusCode}: ${text}`);
    return (JSON.parse(text) as { readonly version: string }).version;
  }

  async log(): Promise<string> {
    return readFile(this.#logFile, 'utf8').catch(() => '');
  }

  /** Drains the service and ends the platform. @throws Error when something of it is left */
  async close(): Promise<void> {
    await this.#service?.stop().catch(() => undefined);
    const ports = await this.#allPorts();
    await localPlatformDown(this.state);
    await nothingLeft(this.state, [...ports, this.ports.listen]);
    await rm(this.state, { recursive: true, force: true });
  }

  async #allPorts(): Promise<readonly number[]> {
    const platform = await platformOf(this.state).catch(() => undefined);
    if (platform === undefined) return [];
    const nodes = platform.arms.flatMap((arm) => arm.nodes);
    return [
      platform.ports.prometheus,
      ...Object.values(platform.ports.staging),
      ...Object.values(platform.ports.production),
      ...nodes.flatMap(({ ports }) => [ports.agent, ports.httpd, ...ports.jetty, ...ports.jolokia]),
    ];
  }
}

/** @throws Error naming processes, ports or runtime folders that a state folder's service has left behind */
export async function nothingLeft(state: string, ports: readonly number[]): Promise<void> {
  const processes = processesNaming(state);
  if (processes.length > 0) throw new Error(`left behind below ${state}: ${processes.join('; ')}`);
  for (const port of ports) {
    if (!(await isPortFree(port))) throw new Error(`port ${port} is still taken`);
  }
}
