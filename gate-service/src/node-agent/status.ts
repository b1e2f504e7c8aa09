/** The node's report: what runs, how it is used, and whether a real request gets through. */
import type { Counters } from './node-state.ts';
import type { NodeStatus } from './protocol.ts';
import { probe, type Serving } from './serving.ts';
import type { InForce, NodeParts } from './swap.ts';

export type NodePhase = 'starting' | 'running' | 'stopping' | 'stopped';

export interface StatusSource {
  readonly parts: NodeParts;
  readonly phase: NodePhase;
  /** Why the node does not run, or why a component could not be started again. */
  readonly failure: string | undefined;
  readonly inForce: InForce | undefined;
  readonly counters: Counters;
}

type HttpdStatus = NonNullable<NodeStatus['httpd']> & { readonly generation: number };

/**
 * How it is used first, and then whether it serves: the request that finds that out takes a worker
 * and a thread, too, and who waits for a node without requests would see it in every look.
 */
export async function readStatus(source: StatusSource): Promise<NodeStatus> {
  const { parts, inForce, counters } = source;
  const { description } = parts;
  const [httpd, jetty] = await Promise.all([
    inForce && httpdStatus(parts, inForce, counters),
    inForce && jettyStatus(parts, inForce, counters),
  ]);
  const serving = await healthOf(source);
  const { generation = 0, ...httpdFields } = httpd ?? {};
  return {
    name: description.name,
    ...serving,
    buildDigest: description.build.digest,
    configurationHash: inForce?.configuration.hash ?? '',
    generations: { httpd: generation, jetty: counters.jettyGeneration },
    ...(httpd && { httpd: httpdFields as NonNullable<NodeStatus['httpd']> }),
    ...(jetty && { jetty }),
  };
}

async function healthOf(source: StatusSource): Promise<Pick<NodeStatus, 'health' | 'reason'>> {
  const { phase, failure, parts, inForce } = source;
  if (phase !== 'running')
    return { health: phase, ...(failure !== undefined && { reason: failure }) };
  const serving: Serving = await probe(parts.description);
  if (serving.ok) return { health: 'ready' };
  const causes = [
    serving.reason,
    parts.httpd.isRunning() ? undefined : await parts.httpd.causeOfEnd(),
    inForce === undefined || parts.jettys.isRunning(inForce.jetty)
      ? undefined
      : await parts.jettys.causeOfEnd(inForce.jetty),
    failure,
  ];
  return { health: 'degraded', reason: causes.filter((cause) => cause !== undefined).join('; ') };
}

async function httpdStatus(
  { httpd }: NodeParts,
  inForce: InForce,
  counters: Counters,
): Promise<HttpdStatus | undefined> {
  const usage = httpd.usage();
  const status = await httpd.status(inForce.statusPort).catch(() => undefined);
  if (usage === undefined || status === undefined) return undefined;
  return {
    generation: status.configGeneration,
    busyWorkers: status.busyWorkers,
    idleWorkers: status.idleWorkers,
    connectionsTotal: status.connectionsTotal,
    connectionsAsyncKeepAlive: status.connectionsAsyncKeepAlive,
    totalAccesses: status.totalAccesses,
    totalDuration: status.totalDuration,
    stopping: status.stopping,
    usage: { ...usage, restarts: counters.httpdRestarts },
  };
}

async function jettyStatus(
  { jettys }: NodeParts,
  inForce: InForce,
  counters: Counters,
): Promise<NodeStatus['jetty']> {
  const { jetty } = inForce;
  const usage = jettys.usage(jetty);
  const jolokia = jettys.jolokia(jetty);
  const [pool, requests] = await Promise.all([
    jolokia.readPool().catch(() => undefined),
    jolokia.readCounters().catch(() => undefined),
  ]);
  if (usage === undefined || pool === undefined) return undefined;
  return {
    colour: jetty.colour,
    ...pool,
    ...(requests !== undefined && { totalDuration: requests.durationMs }),
    usage: { pid: jetty.process.pid, ...usage, restarts: counters.jettyRestarts },
  };
}
