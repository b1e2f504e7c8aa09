/** The node agent in a pod: its description from the container, its token from a Secret, its end through a preStop hook. */
import { readFile } from 'node:fs/promises';
import { hostname, totalmem } from 'node:os';
import { z } from 'zod';
import { createNodeAgentClient } from '../node-agent/client.ts';
import { POD_PATHS, POD_PORTS, describePod, tokenIn, type PodNode } from '../node-agent/pod.ts';
import type { DrainResponse, NodeDescription } from '../node-agent/protocol.ts';
import { nodeResources } from '../settings/node-resources.ts';
import { STOCK_VALUES } from '../stack/stock.ts';

/** The agent itself, which shares the container's memory with httpd and Jetty. */
const AGENT_MIB = 128;
const MIB = 1024 * 1024;

const readText = async (file: string): Promise<string> => readFile(file, 'utf8');

/** Written into the node's image by resources/images/node/describe.ts. */
const COMPONENTS_FILE = '/opt/speed-gate/node-components.json';
const nodeComponentsSchema = z.strictObject({
  httpd: z.string(),
  httpdServerRoot: z.string(),
  java: z.string(),
  javaVersion: z.string(),
  jettyHome: z.string(),
  jolokia: z.string(),
});
/** Where the image has the parts of a node. */
export type NodeComponents = z.infer<typeof nodeComponentsSchema>;

/** @throws Error saying what is wrong with the container's environment, token or build */
export async function podNode(): Promise<PodNode> {
  const { javaVersion, ...components } = await imageComponents();
  return describePod({
    environment: process.env,
    hostName: hostname(),
    components,
    resources: containerResources(javaVersion),
    stock: { ...STOCK_VALUES },
    readText,
  });
}

async function imageComponents(): Promise<NodeComponents> {
  const text = await readText(COMPONENTS_FILE).catch((error: unknown) => {
    throw new Error(
      `cannot read ${COMPONENTS_FILE}; "node-agent pod" runs in the node's image only (docs/kubernetes.md)`,
      { cause: error },
    );
  });
  return nodeComponentsSchema.parse(JSON.parse(text));
}

/** What the preStop hook of a pod calls: resolves when the agent in the same container says that requests have stopped coming. */
export async function drainPod(): Promise<DrainResponse> {
  const { SPEED_GATE_AGENT_TOKEN_FILE: file } = process.env;
  const token = await tokenIn(file === undefined || file === '' ? POD_PATHS.token : file, readText);
  return createNodeAgentClient({ address: '127.0.0.1', port: POD_PORTS.agent, token }).drain();
}

/** Of this container: Node reads its limits of CPU and memory from the control groups, as the JVM does. */
function containerResources(javaVersion: string): NodeDescription['resources'] {
  const { cores, fileDescriptors, javaVersion: feature } = nodeResources(javaVersion);
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return {
    cores,
    fileDescriptors,
    memoryMiB: Math.max(1, Math.floor(memory / MIB) - AGENT_MIB),
    ...(feature !== undefined && { javaVersion: feature }),
  };
}
