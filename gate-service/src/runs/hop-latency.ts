/** Where the time of an arm's requests goes: proxies, httpd, Jetty. From counters that proxy and nodes keep. */
import type { ArmObservation } from '../platforms/platform.ts';

/** Means of one arm's requests, in milliseconds; the three hops add up to the total. */
export interface HopLatency {
  /** From the intended send time to the answer, as the sender saw it. */
  readonly totalMs: number;
  /** Outside the nodes: proxies and sidecars, the network, and waiting for a connection to them. */
  readonly proxyMs: number;
  readonly httpdMs: number;
  /** Jetty with the application. */
  readonly jettyMs: number;
}

interface NodeTime {
  readonly requests: number;
  readonly httpdMs: number;
  readonly jettyMs: number;
}

/**
 * Undefined where it cannot be told honestly: a node is missing in one of the observations or was started again in
 * between, a counter fell, or nothing was sent. Probes and health checks take part in the nodes' counters with their
 * time, not with their number: what they cost is spread over the requests that the proxy has sent.
 * @param totalMs mean of the arm's requests meanwhile, as the sender saw them
 */
export function hopLatency(
  totalMs: number,
  before: ArmObservation | undefined,
  after: ArmObservation | undefined,
): HopLatency | undefined {
  if (before === undefined || after?.nodes.length !== before.nodes.length) return undefined;
  const times = after.nodes.map((late) => {
    const early = before.nodes.find(({ name }) => name === late.name);
    return early === undefined ? undefined : nodeTime(early, late);
  });
  let [requests, httpd, jetty] = [0, 0, 0];
  for (const time of times) {
    if (time === undefined) return undefined;
    requests += time.requests;
    httpd += time.httpdMs;
    jetty += time.jettyMs;
  }
  if (requests === 0 || !Number.isFinite(totalMs)) return undefined;
  return {
    totalMs,
    proxyMs: totalMs - httpd / requests,
    httpdMs: (httpd - jetty) / requests,
    jettyMs: jetty / requests,
  };
}

type ObservedNode = ArmObservation['nodes'][number];

function nodeTime(early: ObservedNode, late: ObservedNode): NodeTime | undefined {
  const from = timesOf(early);
  const to = timesOf(late);
  if (from === undefined || to?.starts !== from.starts) return undefined;
  const time = {
    requests: late.requestsTotal - early.requestsTotal,
    httpdMs: to.httpdMs - from.httpdMs,
    jettyMs: to.jettyMs - from.jettyMs,
  };
  return Object.values(time).every((one) => one >= 0) ? time : undefined;
}

function timesOf({ status }: ObservedNode) {
  const { httpd, jetty } = status ?? {};
  if (httpd === undefined || jetty?.totalDuration === undefined) return undefined;
  return {
    // A process that is another one counts from zero.
    starts: `${httpd.usage.pid} ${httpd.usage.restarts} ${jetty.usage.pid} ${jetty.usage.restarts}`,
    httpdMs: httpd.totalDuration,
    jettyMs: jetty.totalDuration,
  };
}
