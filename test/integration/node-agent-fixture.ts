/** A node agent as a process of its own, with real httpd and Jetty, for the tests of the node agent. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request, Agent } from 'undici';
import { vi } from 'vitest';
import { createNodeAgentClient } from '../../gate-service/src/node-agent/client.ts';
import type { NodeAgentClient } from '../../gate-service/src/node-agent/client.ts';
import type { NodeDescription, NodeStatus } from '../../gate-service/src/node-agent/protocol.ts';
import {
  isRunning,
  startDetached,
  stopProcess,
} from '../../gate-service/src/processes/detached-process.ts';
import { freePorts } from '../../gate-service/src/processes/free-port.ts';
import type { ProcessRecord } from '../../gate-service/src/processes/process-record.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import type { SampleFlavour } from '../../gate-service/src/settings/components.ts';
import type { StackValues } from '../../gate-service/src/stack/knobs.ts';
import { STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';

const main = join(import.meta.dirname, '../../gate-service/src/main.ts');

export const stockWith = (changes: Partial<StackValues> = {}): Record<string, never> =>
  ({ ...STOCK_VALUES, ...changes }) as unknown as Record<string, never>;

export interface TestNode {
  readonly folder: string;
  readonly description: NodeDescription;
  readonly client: NodeAgentClient;
  agent: ProcessRecord;
  /** Starts an agent on the same description. */
  startAgent(): Promise<void>;
  untilHealth(health: NodeStatus['health'], timeoutMs?: number): Promise<NodeStatus>;
  log(): Promise<string>;
  /** Ends everything, also after a failed test. */
  remove(): Promise<void>;
}

export async function createNode(
  flavour: SampleFlavour = '1.0',
  change: (description: NodeDescription) => NodeDescription = (description) => description,
): Promise<TestNode> {
  const components = loadComponents();
  const folder = await mkdtemp(join(tmpdir(), 'node-agent-'));
  const [agent, httpd, jetty0, jetty1, jolokia0, jolokia1] = await freePorts(6);
  const description = change({
    name: 'node-1',
    directory: join(folder, 'node'),
    address: '127.0.0.1',
    ports: {
      agent: agent!,
      httpd: httpd!,
      jetty: [jetty0!, jetty1!],
      jolokia: [jolokia0!, jolokia1!],
    },
    build: { digest: components.wars[flavour].sha256, war: components.wars[flavour].path },
    configuration: stockWith(),
    healthPath: '/health',
    systemProperties: {},
    components: {
      httpd: components.httpd.path,
      httpdServerRoot: components.httpd.serverRoot,
      java: components.java.path,
      jettyHome: components.jettyHome.path,
      jolokia: components.jolokia.path,
      ...(components.classDataArchive && { classDataArchive: components.classDataArchive.path }),
    },
    resources: { cores: 2, memoryMiB: 4096, fileDescriptors: 65_536 },
    fastStart: true,
    token: 'a-token-of-the-tests-0001',
  });
  const file = join(folder, 'node.json');
  await writeFile(file, JSON.stringify(description), { mode: 0o600 });
  const logFile = join(folder, 'agent.log');
  const start = async (): Promise<ProcessRecord> =>
    startDetached({
      command: process.execPath,
      args: [main, 'node-agent', file],
      cwd: folder,
      logFile,
    });
  const client = createNodeAgentClient({
    address: '127.0.0.1',
    port: description.ports.agent,
    token: description.token,
  });
  const node: TestNode = {
    folder,
    description,
    client,
    agent: await start(),
    async startAgent() {
      node.agent = await start();
    },
    async untilHealth(health, timeoutMs = 60_000) {
      return vi.waitFor(
        async () => {
          const status = await client.status();
          if (status.health !== health) {
            throw new Error(`${status.health}, not ${health}: ${status.reason ?? ''}`);
          }
          return status;
        },
        { timeout: timeoutMs, interval: 50 },
      );
    },
    log: async () => readFile(logFile, 'utf8').catch(() => ''),
    async remove() {
      if (isRunning(node.agent)) {
        await client.stop().catch(() => undefined);
        await stopProcess(node.agent, { signal: 'SIGTERM', graceMs: 30_000 });
      }
      for (const pid of processesOf(folder)) process.kill(pid, 'SIGKILL');
      await vi.waitFor(
        () => {
          if (processesOf(folder).length > 0) throw new Error('still running');
        },
        { timeout: 30_000 },
      );
      await rm(folder, { recursive: true, force: true });
    },
  };
  return node;
}

/** Pids of living processes (httpd's children too) whose command line names this folder. */
export function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`);
      } catch {
        return false;
      }
    });
}

export interface StreamResult {
  readonly sent: number;
  readonly failures: string[];
}

/** A light stream of requests through httpd, half on kept and half on fresh connections, until stopped. */
export function stream(port: number): { stop(): Promise<StreamResult> } {
  const kept = new Agent({ connections: 4, keepAliveTimeout: 1000 });
  const failures: string[] = [];
  let sent = 0;
  let stopped = false;
  const sendOne = async (number: number): Promise<void> => {
    try {
      const response = await request(`http://127.0.0.1:${port}/cart?id=${number}`, {
        ...(number % 2 === 0 ? { dispatcher: kept } : { reset: true }),
        signal: AbortSignal.timeout(15_000),
      });
      const text = await response.body.text();
      if (response.statusCode !== 200) failures.push(`${response.statusCode} ${text.slice(0, 80)}`);
    } catch (error) {
      failures.push(`${number % 2 === 0 ? 'kept' : 'fresh'}: ${String(error)}`);
    }
  };
  const loop = async (lane: number): Promise<void> => {
    for (let number = lane; !stopped; number += 4) {
      sent += 1;
      await sendOne(number);
    }
  };
  const lanes = Promise.all([loop(0), loop(1), loop(2), loop(3)]);
  return {
    async stop() {
      stopped = true;
      await lanes;
      await kept.close();
      return { sent, failures };
    },
  };
}
