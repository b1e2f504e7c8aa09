/** A local platform of the bench's own, with real nodes of the sample application, that leaves nothing behind. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createNodeAgentClient,
  type NodeAgentClient,
} from '../../../gate-service/src/node-agent/client.ts';
import { platformFolders } from '../../../gate-service/src/platforms/local/existing-platform.ts';
import {
  openLocalPlatform,
  type LocalPlatform,
} from '../../../gate-service/src/platforms/local/local-platform.ts';
import { armIn, readState } from '../../../gate-service/src/platforms/local/state.ts';
import type { Arm, ArmRequest } from '../../../gate-service/src/platforms/platform.ts';
import { loadComponents } from '../../../gate-service/src/settings/components.ts';
import { machineShare } from '../../../gate-service/src/settings/node-resources.ts';
import type { NodeResources } from '../../../gate-service/src/stack/configuration.ts';
import { stockConfiguration } from '../../../gate-service/src/stack/stock.ts';

export const SERVICE = { name: 'checkout', host: 'checkout.localhost' } as const;

export interface World {
  readonly platform: LocalPlatform;
  readonly resources: NodeResources;
  /** Nodes of the sample application with the stock configuration. */
  deploy(request: Pick<ArmRequest, 'environment' | 'role' | 'nodes'>): Promise<Arm>;
  /** The agent of an arm's only node, and the port of its httpd. */
  onlyNode(arm: Arm): Promise<{ readonly agent: NodeAgentClient; readonly port: number }>;
  /** Ends all components and removes their files. */
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly log: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Starts the platform's components; nodes come with {@link World.deploy}. What was started is ended when it fails. */
export async function openWorld({ log, signal }: WorldOptions): Promise<World> {
  const components = loadComponents();
  const war = components.wars['1.0'];
  const resources = machineShare();
  const state = await mkdtemp(path.join(tmpdir(), 'speed-gate-bench-'));
  const platform = await openLocalPlatform({ state, components, nodeResources: resources, log });
  const close = async (): Promise<void> => {
    await platform.down();
    await rm(state, { recursive: true, force: true });
  };
  try {
    await platform.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    platform,
    resources,
    close,
    deploy: (request) =>
      platform.deploy(
        {
          ...request,
          service: {
            name: SERVICE.name,
            hosts: [SERVICE.host],
            healthPath: '/health',
            systemProperties: {},
          },
          build: { digest: war.sha256, location: war.path },
          configuration: stockConfiguration(resources),
        },
        signal,
      ),
    async onlyNode({ id }) {
      const stored = await readState(platformFolders(state).stateFile);
      const node = stored === undefined ? undefined : armIn(stored, id)?.nodes[0];
      if (stored === undefined || node === undefined) throw new Error(`arm ${id} has no node`);
      const agent = { address: '127.0.0.1', port: node.ports.agent, token: stored.token };
      return { agent: createNodeAgentClient(agent), port: node.ports.httpd };
    },
  };
}
