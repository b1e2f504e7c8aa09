/** Nodes as processes: one detached agent each, with a folder of its own. */
import { access, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createNodeAgentClient, type NodeAgentClient } from '../../node-agent/client.ts';
import type { NodeDescription, NodeStatus } from '../../node-agent/protocol.ts';
import { writeFileAtomically } from '../../processes/process-record.ts';
import type { NodeResources } from '../../stack/resources.ts';
import { PlatformError } from '../platform.ts';
import { Component } from './component.ts';
import type { Folders } from './folders.ts';
import type { PlatformLog } from './log.ts';
import { pruneNodeLogs } from './old-logs.ts';
import type { ArmState, LocalComponents, NodeState } from './state.ts';
import { endStrays } from './strays.ts';
import type { Supervisor } from './supervisor.ts';
import { messageOf, waitUntil } from '../wait-until.ts';

export interface NodeFleetOptions {
  readonly folders: Folders;
  readonly components: LocalComponents;
  readonly resources: NodeResources;
  readonly token: string;
  /** See `fastStart` of the node's description; tests only. */
  readonly fastStart: boolean;
  readonly supervisor: Supervisor;
  readonly log: PlatformLog;
}

const LOOPBACK = '127.0.0.1';
const MAIN = join(import.meta.dirname, '..', '..', 'main.ts');
/** A JVM's start costs seconds of CPU, and several may share a core. */
const READY_MS = 120_000;
const STOP_MS = 90_000;

export class NodeFleet {
  readonly #options: NodeFleetOptions;
  readonly #agents = new Map<string, Component>();

  constructor(options: NodeFleetOptions) {
    this.#options = options;
  }

  client(node: NodeState): NodeAgentClient {
    const { token } = this.#options;
    return createNodeAgentClient({ address: LOOPBACK, port: node.ports.agent, token });
  }

  /** What the agent says now; `undefined` when it does not answer. */
  async status(node: NodeState, signal?: AbortSignal): Promise<NodeStatus | undefined> {
    try {
      return await this.client(node).status(signal);
    } catch {
      return undefined;
    }
  }

  /** The agent of a node as a component. */
  component(node: NodeState): Component {
    return this.#agent(node);
  }

  /** Adopts or starts the agent of a node that is there already, without waiting for httpd and Jetty. */
  async adopt(node: NodeState): Promise<void> {
    const agent = this.#agent(node);
    // One that fails now is tried again by the watch.
    this.#options.supervisor.watch(agent);
    await agent.ensureRunning();
  }

  /**
   * Starts a fresh node and waits until it answers its health path.
   * @throws PlatformError `node-not-ready` with the node's own reason, `port-taken`, `aborted`
   */
  async start(arm: ArmState, node: NodeState, signal: AbortSignal): Promise<void> {
    await mkdir(this.#directory(node), { recursive: true });
    await writeFileAtomically(
      this.#descriptionFile(node),
      JSON.stringify(this.#describe(arm, node), null, 1),
    );
    const agent = this.#agent(node);
    await agent.ensureRunning(signal);
    const ready = await waitUntil(
      async () => {
        const status = await this.status(node, signal);
        if (status?.health === 'ready') return 'ready' as const;
        if (status?.health === 'stopped') return status.reason ?? 'it gave no reason';
        if (await agent.isRunning()) return undefined;
        return `its agent ended. The end of its log (${agent.logFile}):\n${await agent.logTail()}`;
      },
      { timeoutMs: READY_MS, everyMs: 100, signal },
    );
    if (ready === 'ready') {
      this.#options.supervisor.watch(agent);
      return;
    }
    const why =
      ready ??
      `it did not answer ${arm.service.healthPath} below 400 within ${READY_MS / 1000} s: ${(await this.status(node))?.reason ?? 'its agent does not answer'}`;
    throw new PlatformError(
      'node-not-ready',
      `Node ${node.name} (build ${arm.build.digest.slice(0, 12)}) did not get ready: ${why}`,
    );
  }

  /** Drains and ends a node and removes its folder. Also what a crash left of it. */
  async stop(node: NodeState): Promise<void> {
    const agent = this.#agent(node);
    this.#options.supervisor.unwatch(agent);
    try {
      // Only an agent ends its children in order; a new one takes them over first.
      if (await this.#hasDescription(node)) {
        await agent.ensureRunning();
        await this.client(node).stop(AbortSignal.timeout(STOP_MS));
      }
    } catch (error) {
      this.#options.log.warn(`Node ${node.name} could not be ended in order: ${messageOf(error)}`);
    }
    await agent.stop();
    const { httpd, java } = this.#options.components;
    await endStrays(this.#directory(node), [httpd.path, java.path]);
    await rm(this.#directory(node), { recursive: true, force: true });
    this.#agents.delete(node.name);
    await pruneNodeLogs(this.#options.folders.logs).catch((error: unknown) => {
      this.#options.log.warn(`Old logs could not be removed: ${messageOf(error)}`);
    });
  }

  #agent(node: NodeState): Component {
    const known = this.#agents.get(node.name);
    if (known !== undefined) return known;
    const file = this.#descriptionFile(node);
    const agent = new Component(
      {
        name: `node-${node.name}`,
        title: `the agent of node ${node.name}`,
        command: process.execPath,
        args: [MAIN, 'node-agent', file],
        marker: file,
        cwd: this.#directory(node),
        ports: [{ name: 'agent', port: node.ports.agent }],
        isReady: () => this.client(node).healthz(),
        readyMs: 60_000,
        // The agent drains its node on SIGTERM.
        stop: { signal: 'SIGTERM', graceMs: 30_000 },
      },
      this.#options.folders,
    );
    this.#agents.set(node.name, agent);
    return agent;
  }

  #describe(arm: ArmState, node: NodeState): NodeDescription {
    const { components, resources, token, fastStart } = this.#options;
    return {
      name: node.name,
      directory: this.#directory(node),
      address: LOOPBACK,
      ports: node.ports,
      build: { digest: arm.build.digest, war: arm.build.location },
      configuration: arm.values,
      healthPath: arm.service.healthPath,
      systemProperties: arm.service.systemProperties,
      components: {
        httpd: components.httpd.path,
        httpdServerRoot: components.httpd.serverRoot,
        java: components.java.path,
        jettyHome: components.jettyHome.path,
        jolokia: components.jolokia.path,
        ...(components.classDataArchive && { classDataArchive: components.classDataArchive.path }),
      },
      resources: {
        cores: resources.cores,
        memoryMiB: resources.memoryMiB,
        fileDescriptors: resources.fileDescriptors,
        ...(resources.javaVersion !== undefined && { javaVersion: resources.javaVersion }),
      },
      fastStart,
      token,
    };
  }

  async #hasDescription(node: NodeState): Promise<boolean> {
    return access(this.#descriptionFile(node)).then(
      () => true,
      () => false,
    );
  }

  #directory(node: NodeState): string {
    return join(this.#options.folders.nodes, node.name);
  }

  #descriptionFile(node: NodeState): string {
    return join(this.#directory(node), 'node.json');
  }
}
