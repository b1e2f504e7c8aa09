/** A local platform in a temporary folder, requests through it, and what is left of it. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../gate-service/src/mesh/plan.ts';
import {
  openLocalPlatform,
  type LocalPlatform,
} from '../../gate-service/src/platforms/local/local-platform.ts';
import {
  PlatformError,
  type ArmRequest,
  type EntryPoint,
} from '../../gate-service/src/platforms/platform.ts';
import { loadComponents, type SampleFlavour } from '../../gate-service/src/settings/components.ts';
import {
  requireStackConfiguration,
  type StackConfiguration,
} from '../../gate-service/src/stack/configuration.ts';
import type { StackValues } from '../../gate-service/src/stack/knobs.ts';
import { STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';

export const HOST = 'checkout.localhost';
export const RESOURCES = { cores: 2, memoryMiB: 4096, fileDescriptors: 65_536 };
export const components = loadComponents();

export const stockWith = (changes: Partial<StackValues> = {}): StackConfiguration =>
  requireStackConfiguration({ ...STOCK_VALUES, ...changes }, RESOURCES);

export function armRequest(
  environment: Environment,
  role: ArmRequest['role'],
  flavour: SampleFlavour,
  nodes: number,
  configuration = stockWith(),
): ArmRequest {
  const { sha256, path } = components.wars[flavour];
  return {
    service: { name: 'checkout', hosts: [HOST], healthPath: '/health', systemProperties: {} },
    environment,
    role,
    build: { digest: sha256, location: path },
    configuration,
    nodes,
  };
}

export const soon = (): AbortSignal => AbortSignal.timeout(150_000);

export interface TestPlatform {
  readonly folder: string;
  readonly log: string[];
  platform: LocalPlatform;
  /** Another object on the same state folder, as after a restart of the gate service. */
  reopen(): Promise<LocalPlatform>;
  remove(): Promise<void>;
}

export async function createPlatform(): Promise<TestPlatform> {
  const folder = await mkdtemp(join(tmpdir(), 'platform-local-'));
  const log: string[] = [];
  const open = (): Promise<LocalPlatform> =>
    openLocalPlatform({
      state: folder,
      components,
      nodeResources: RESOURCES,
      fastStart: true,
      log: (message) => log.push(message),
    });
  const test: TestPlatform = {
    folder,
    log,
    platform: await open(),
    async reopen() {
      await test.platform.close();
      test.platform = await open();
      return test.platform;
    },
    async remove() {
      await test.platform.down();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return test;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ms: number;
}

export interface Get {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

export function get(
  platform: LocalPlatform,
  environment: Environment,
  options: Get = {},
): Promise<Answer> {
  return ask(platform.entryPoint(environment), options);
}

function ask(
  { host, port }: EntryPoint,
  { path = '/health', headers = {}, agent }: Get,
): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host,
        port,
        path,
        headers: { host: HOST, ...headers },
        agent: agent ?? false,
        timeout: 20_000,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('error', reject).on('end', () => {
          const ms = performance.now() - started;
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers, ms });
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 20 s')));
    outgoing.on('error', reject).end();
  });
}

export interface Stream {
  /** Ends the stream and waits for what is in flight. */
  stop(): Promise<{ readonly sent: number; readonly failures: readonly string[] }>;
}

/** A light stream of requests into production, every second one on a kept connection. */
export function stream(platform: LocalPlatform, everyMs = 25): Stream {
  const entry = platform.entryPoint('production');
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const failures: string[] = [];
  const flying: Promise<void>[] = [];
  const stopping = new AbortController();
  const loop = (async () => {
    for (let id = 1; !stopping.signal.aborted; id += 1) {
      const path = `/${['cart', 'search', 'order'][id % 3]!}?id=${id}`;
      const one = ask(entry, { path, ...(id % 2 === 0 && { agent }) });
      flying.push(
        one.then(
          ({ status, body }) => {
            if (status !== 200) failures.push(`${path}: ${status} ${body.slice(0, 100)}`);
          },
          (error: unknown) => {
            failures.push(`${path}: ${String(error)}`);
          },
        ),
      );
      await sleep(everyMs);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
      await Promise.all(flying);
      agent.destroy();
      return { sent: flying.length, failures };
    },
  };
}

export async function failureOf(act: Promise<unknown>): Promise<PlatformError> {
  const error: unknown = await act.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof PlatformError) return error;
  throw error;
}

/** Pids with this text in their command line; not this process. */
export function processesBelow(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const zombie = readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
        return !zombie && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Folders that nodes of root keep outside the state folder; see `runtime-directory.ts` of the agent. */
export function runtimeFoldersOf(folder: string, nodes: readonly string[]): string[] {
  const digest = (node: string): string =>
    createHash('sha256')
      .update(join(folder, 'platform', 'nodes', node))
      .digest('hex')
      .slice(0, 16);
  return nodes.map((node) => join('/run/speed-gate', digest(node))).filter(existsSync);
}
