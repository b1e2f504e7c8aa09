/** Brings a node up: fresh, or from what an earlier agent left running. */
import { requireStackConfiguration, type StackConfiguration } from '../stack/configuration.ts';
import { findLeaders, stopProcess } from '../processes/detached-process.ts';
import { ComponentError, messageOf } from './component-error.ts';
import type { Log } from './log.ts';
import type { NodeState, NodeStore, SwapIntent } from './node-state.ts';
import { otherColour } from './node-state.ts';
import { untilServing } from './serving.ts';
import { poolSizeOf, type InForce, type NodeParts } from './swap.ts';

const SERVE_TIMEOUT_MS = 20_000;

/** What the agent stores when a version is verified. */
export function stateOf(parts: NodeParts, inForce: InForce): NodeState {
  return {
    format: 1,
    buildDigest: parts.description.build.digest,
    values: { ...inForce.configuration.values },
    hash: inForce.configuration.hash,
    httpdVersion: inForce.httpdVersion,
    colour: inForce.jetty.colour,
    jettyGeneration: inForce.jetty.generation,
    statusPort: inForce.statusPort,
  };
}

/** First start of a node. On failure nothing runs. */
export async function startFresh(
  parts: NodeParts,
  store: NodeStore,
  configuration: StackConfiguration,
): Promise<InForce> {
  const { httpd, jettys, description } = parts;
  await endAll(parts);
  try {
    const statusPort = await httpd.chooseStatusPort();
    // Known at once, and not only when a JVM has been started in vain.
    await httpd.requireFreePorts(statusPort);
    const jetty = await jettys.start(configuration, 0);
    await httpd.pointAt(description.ports.jetty[0]);
    const httpdVersion = await httpd.prepare(configuration, statusPort);
    await httpd.activate(httpdVersion);
    await httpd.start(statusPort);
    await untilServing(description, SERVE_TIMEOUT_MS);
    const inForce = { configuration, httpdVersion, jetty, statusPort };
    await store.writeState(stateOf(parts, inForce));
    return inForce;
  } catch (error) {
    await endAll(parts);
    throw error;
  }
}

/**
 * Takes a node over: running components are adopted, missing ones started, and after a swap that
 * was cut off in the middle the last verified version is put in force.
 */
export async function resume(
  parts: NodeParts,
  store: NodeStore,
  state: NodeState,
  log: Log,
): Promise<InForce> {
  const { httpd, jettys, description } = parts;
  if (state.buildDigest !== description.build.digest) {
    throw new ComponentError(
      'node',
      `this node runs build ${state.buildDigest}, but was now described with ${description.build.digest}; another build needs another node`,
    );
  }
  const configuration = requireStackConfiguration(state.values, description.resources);
  const intent = await store.readIntent();
  await httpd.pointAt(description.ports.jetty[state.colour]);
  const adopted = await jettys.running(state.colour);
  if (adopted !== undefined && intent !== undefined) {
    await jettys.jolokia(adopted).resizePool(poolSizeOf(configuration));
  }
  const jetty = adopted ?? (await jettys.start(configuration, state.colour));
  await httpd.activate(state.httpdVersion);
  await bringHttpdBack(parts, state, intent);
  // What serves badly is still better than nothing: the status tells it.
  await untilServing(description, SERVE_TIMEOUT_MS).catch((error: unknown) => {
    log(`taken over, but not serving: ${messageOf(error)}`);
  });
  // Only now: until httpd was seen to use the verified one, the other may have served.
  const other = await jettys.running(otherColour(state.colour));
  if (other !== undefined) await jettys.stop(other);
  const inForce = {
    configuration,
    httpdVersion: state.httpdVersion,
    jetty,
    statusPort: state.statusPort,
  };
  await store.writeState(stateOf(parts, inForce));
  await store.removeIntent();
  return inForce;
}

async function bringHttpdBack(
  { httpd }: NodeParts,
  state: NodeState,
  intent: SwapIntent | undefined,
): Promise<void> {
  if (!httpd.isRunning()) await httpd.start(state.statusPort);
  // It may have read the version that was never verified.
  else if (intent?.httpd === true) await httpd.graceful(state.statusPort);
}

/** Ends whatever an agent of this node has started. */
export async function endAll({ httpd, jettys }: NodeParts): Promise<void> {
  await httpd.stop();
  for (const colour of [0, 1] as const) {
    const jetty = await jettys.running(colour);
    if (jetty !== undefined) await jettys.stop(jetty);
  }
}

/** Ends processes of this node that no record knows: their agent was killed between start and record. */
export async function endStrays({ httpd, jettys, description }: NodeParts): Promise<void> {
  const known = [httpd.pid(), ...(await jettys.pids())];
  const found = findLeaders(
    (command) =>
      command.some((argument) =>
        argument.startsWith(`jetty.base=${description.directory}/jetty/`),
      ) ||
      command.some((argument) => argument.startsWith(`${description.directory}/httpd/current/`)),
  );
  for (const stray of found) {
    if (!known.includes(stray.pid)) await stopProcess(stray, { signal: 'SIGTERM', graceMs: 5000 });
  }
}
