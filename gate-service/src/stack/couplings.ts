/**
 * Rules that tie layers together, as room left (more is safer). While a swap is half done, one
 * layer is new and the other old; the rule still holds there when the room is no smaller than the
 * smaller of both ends, where it held. So no resources of the node need to be known.
 */
import type { StackValues } from './knobs.ts';

type Room = (values: StackValues) => number;

/** A lone try's deadline is the route's. */
const tryDeadline: Room = (v) =>
  v['mesh.retries'] === 0 ? v['mesh.timeout'] : v['mesh.perTryTimeout'];

const ROOMS: readonly Room[] = [
  // Rule 1: proxy to httpd. Without keep-alive nothing can be lost between requests.
  (v) =>
    v['httpd.keepAlive']
      ? v['httpd.keepAliveTimeout'] - v['mesh.idleTimeout']
      : Number.POSITIVE_INFINITY,
  // Rules 2 and 3: httpd to Jetty.
  (v) => v['jetty.idleTimeout'] - v['proxy.ttl'] * 1000,
  // Rule 4: a wait for a connection to Jetty ends before the try does.
  (v) => tryDeadline(v) - v['proxy.acquire'],
  // Rule 6: threads of Jetty for httpd's connections.
  (v) =>
    v['jetty.maxThreads'] -
    Math.ceil(v['httpd.maxRequestWorkers'] / v['httpd.threadsPerChild']) * v['proxy.max'],
];

/** Whether a state between `from` and `to`, both legal, keeps the rules that span layers. */
export function couplingsHold(state: StackValues, from: StackValues, to: StackValues): boolean {
  return ROOMS.every((room) => room(state) >= Math.min(room(from), room(to)));
}
