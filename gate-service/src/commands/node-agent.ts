/**
 * `speed-gate node-agent NODE.json`: supervises one node until it is told to stop. `node-agent pod` is the same in a
 * pod, and `node-agent drain` is that pod's preStop hook.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { NodeAgent } from '../node-agent/agent.ts';
import { nodeDescriptionSchema, type NodeDescription } from '../node-agent/protocol.ts';
import { serveAgent } from '../node-agent/server.ts';

/** A node that could not start keeps telling why for this long, so that whoever waits for it can read it. */
const TELL_FAILURE_MS = 15_000;

/** Entry of the command line. */
export async function nodeAgent(args: readonly string[]): Promise<void> {
  const [what, ...rest] = args;
  if (what === undefined || rest.length > 0) {
    throw new Error('usage: speed-gate node-agent NODE.json | pod | drain');
  }
  if (what === 'pod') {
    const { podNode } = await import('./pod-node.ts');
    const { followLogs } = await import('../node-agent/log-follower.ts');
    const { description, token } = await podNode();
    const { directory } = description;
    const logs = followLogs({ directory, write: console.log });
    try {
      await supervise(description, token);
    } finally {
      await logs.stop();
    }
  } else if (what === 'drain') {
    const { drainPod } = await import('./pod-node.ts');
    console.error(JSON.stringify(await drainPod()));
  } else await runNodeAgent(what);
}

/**
 * Runs the agent described in a file until POST /stop, SIGTERM or SIGINT (all three drain the node
 * and end its processes). Killed, it leaves httpd and Jetty serving, and the next agent on the same
 * file adopts them. Rejects when the node does not start, after having told so over GET /status.
 */
export async function runNodeAgent(file: string): Promise<void> {
  await supervise(await readDescription(file));
}

/** @param token of calls to the agent; absent: the description's */
async function supervise(
  description: NodeDescription,
  token?: () => Promise<string>,
): Promise<void> {
  const log = (message: string): void => {
    console.error(`${new Date().toISOString()} node ${description.name}: ${message}`);
  };
  const agent = await NodeAgent.create(description, log);
  const { promise: stopped, resolve: onStopped } = Promise.withResolvers<undefined>();
  const server = await serveAgent({
    agent,
    ...(token && { token }),
    onStopped: () => {
      onStopped(undefined);
    },
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    log(`${signal}: draining`);
    agent.stop().then(
      () => {
        onStopped(undefined);
      },
      (error: unknown) => {
        log(`cannot stop cleanly: ${String(error)}`);
        process.exitCode = 1;
        onStopped(undefined);
      },
    );
  };
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  try {
    const started = agent.start().then(() => {
      log(`ready on port ${description.ports.httpd}`);
    });
    try {
      await Promise.race([started, stopped]);
    } catch (error) {
      await Promise.race([stopped, sleep(TELL_FAILURE_MS, undefined, { ref: false })]);
      throw error;
    }
    await stopped;
  } finally {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    server.close();
    server.closeAllConnections();
  }
}

async function readDescription(file: string): Promise<NodeDescription> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(
      `cannot read the node's description ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const parsed = nodeDescriptionSchema.safeParse(content);
  if (!parsed.success) {
    throw new Error(`${file} does not describe a node:\n${z.prettifyError(parsed.error)}`);
  }
  return { ...parsed.data, directory: resolve(parsed.data.directory) };
}
