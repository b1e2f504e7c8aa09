/** Nodes side by side, one arm each, without routes: they are asked straight. */
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import type { StackConfiguration } from '../../../gate-service/src/stack/configuration.ts';
import type { SwapWay } from '../../../gate-service/src/stack/swap-plan.ts';
import type { NodeStatus } from '../../../gate-service/src/node-agent/protocol.ts';
import type { World } from '../swap/world.ts';

export const SERVICE = {
  name: 'work',
  hosts: ['work.localhost'],
  healthPath: '/health',
  systemProperties: {},
} as const;

export interface BenchNode {
  readonly configuration: StackConfiguration;
  /** Of its httpd; another one after a replacement. */
  readonly port: number;
  /** Brings the node to a configuration by the cheapest way. The former one is in force when it throws. */
  apply(configuration: StackConfiguration): Promise<readonly SwapWay[]>;
  status(): Promise<NodeStatus>;
  remove(): Promise<void>;
}

export interface NodeBed {
  start(configuration: StackConfiguration): Promise<BenchNode>;
  /** Of the platform and all its nodes, as they are now. */
  pids(): Promise<number[]>;
}

export function createNodeBed(world: World, build: BuildReference, signal: AbortSignal): NodeBed {
  const { platform } = world;
  return {
    async start(first) {
      const arm = await platform.deploy(
        {
          service: SERVICE,
          environment: 'staging',
          role: 'challenger',
          build,
          configuration: first,
          nodes: 1,
        },
        signal,
      );
      let configuration = first;
      let { agent, port } = await world.onlyNode(arm);
      return {
        get configuration() {
          return configuration;
        },
        get port() {
          return port;
        },
        async apply(to) {
          const { ways } = await platform.apply(arm.id, to, signal);
          configuration = to;
          ({ agent, port } = await world.onlyNode(arm));
          return ways;
        },
        status: () => agent.status(signal),
        remove: () => platform.remove(arm.id, signal),
      };
    },
    async pids() {
      const arms = await platform.observe(SERVICE.name, 'staging');
      const components = arms
        .flatMap(({ nodes }) => nodes)
        .flatMap(({ status }) => [status?.httpd, status?.jetty])
        .flatMap((component) => (component === undefined ? [] : [component.usage.pid]));
      return [...platform.processes(), ...components];
    },
  };
}
