/** Warms new nodes by replaying the workload's safe requests, straight to each node. */
import { isSafe, type RequestKind } from '../../load/workload.ts';
import type { Warmer } from '../ports.ts';

/** Sends `amount` requests in a closed loop; `failed` counts everything but a wanted answer. */
export type Replay = (plan: {
  readonly target: { readonly host: string; readonly port: number };
  readonly authority: string;
  readonly requests: readonly RequestKind[];
  readonly connections: number;
  readonly amount: number;
  readonly signal: AbortSignal;
}) => Promise<{ readonly sent: number; readonly failed: number }>;

const REQUESTS_PER_NODE = 300;
const CONNECTIONS = 8;

export function replayWarmer(replay: Replay): Warmer {
  return {
    async warm(arm, { service, workload, requestsPerNode = REQUESTS_PER_NODE }, signal) {
      const safe = workload.requests.filter(isSafe);
      const requests = safe.length > 0 ? safe : [healthRequest(service.healthPath)];
      const results = await Promise.all(
        arm.nodes.map(({ address, port }) =>
          replay({
            target: { host: address, port },
            authority: service.hosts[0] ?? service.name,
            requests,
            connections: CONNECTIONS,
            amount: requestsPerNode,
            signal,
          }),
        ),
      );
      return {
        sent: results.reduce((sum, { sent }) => sum + sent, 0),
        failed: results.reduce((sum, { failed }) => sum + failed, 0),
      };
    },
  };
}

/** For a workload that only changes things: the real path through httpd and Jetty is warm at least. */
function healthRequest(path: string): RequestKind {
  return { name: 'health', weight: 1, method: 'GET', path, headers: {}, expect: {} };
}
