/** How an Envoy treats a request, from its listener and its routes. */
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../plan.ts';
import { messageAt, messagesAt, millisecondsAt, numberAt, textAt, textsAt } from './message.ts';
import type { Message } from './message.ts';
import type { SubsetOfCluster } from './names.ts';
import { headersTake, routeTakes } from './route-match.ts';
import { UnreadableTrafficError } from './traffic.ts';
import type { Probe, Retries, Treatment } from './traffic.ts';

const FAULT = 'envoy.filters.http.fault';
const ENVOY = { timeoutMs: 15_000, retries: 1, backOffMs: 25, hostAttempts: 1 } as const;

/** A connection manager and the routes it uses. */
export interface Entry {
  readonly manager: Message;
  readonly routes: Message;
}

/**
 * The treatment of a request at an entry; `undefined` when no virtual host has its host.
 * @throws UnreadableTrafficError where it cannot be judged
 */
export function treatmentAt(
  { manager, routes }: Entry,
  probe: Probe,
  subsetOf: SubsetOfCluster,
): Treatment | undefined {
  const early = earlyRemovals(manager);
  const headers = Object.fromEntries(
    Object.entries(probe.headers).filter(([name]) => !early.includes(name)),
  );
  const host = virtualHostOf(routes, probe.host);
  if (host === undefined) return undefined;
  const seen = { ...probe, headers };
  const route = messagesAt(host, 'routes').find((one) => routeTakes(messageAt(one, 'match'), seen));
  if (route === undefined) return { status: 404, body: '' };
  const direct = messageAt(route, 'direct_response');
  if (Object.keys(direct).length > 0) {
    const body = textAt(messageAt(direct, 'body'), 'inline_string') ?? '';
    return { status: numberAt(direct, 'status', 0), body };
  }
  const action = messageAt(route, 'route');
  if (Object.keys(action).length === 0) {
    throw new UnreadableTrafficError(`A route of ${probe.host} neither forwards nor answers.`);
  }
  const retries = retriesOf(action.retry_policy === undefined ? host : action);
  const delayMs = delayOf(manager, route, seen);
  const removed = (field: string): readonly string[] => [
    ...[routes, host, route].flatMap((one) => textsAt(one, field)),
    ...removedByAllClusters(action, field),
  ];
  return {
    shares: sharesOf(action, subsetOf),
    timeoutMs: millisecondsAt(action, 'timeout') ?? ENVOY.timeoutMs,
    ...(retries && { retries }),
    ...(delayMs !== undefined && { delayMs }),
    removedFromRequest: among(
      [ARM_HEADER, PLANTED_HEADER],
      [...early, ...removed('request_headers_to_remove')],
    ),
    removedFromResponse: among([NODE_HEADER], removed('response_headers_to_remove')),
  };
}

function earlyRemovals(manager: Message): readonly string[] {
  return messagesAt(manager, 'early_header_mutation_extensions')
    .flatMap((one) => messagesAt(messageAt(one, 'typed_config'), 'mutations'))
    .flatMap((one) => textAt(one, 'remove') ?? []);
}

/** Exact domains before suffixes, the longest suffix first, and last the one for all. */
function virtualHostOf(routes: Message, asked: string): Message | undefined {
  const portless = routes.ignore_port_in_host_matching === true;
  const name = (portless ? asked.replace(/:\d+$/, '') : asked).toLowerCase();
  const hosts = messagesAt(routes, 'virtual_hosts').flatMap((host) =>
    textsAt(host, 'domains').map((domain) => ({ host, domain: domain.toLowerCase() })),
  );
  const suffixes = hosts
    .filter(({ domain }) => domain.length > 1 && domain.startsWith('*'))
    .filter(({ domain }) => name.endsWith(domain.slice(1)))
    .toSorted((one, other) => other.domain.length - one.domain.length);
  const found =
    hosts.find(({ domain }) => domain === name) ??
    suffixes[0] ??
    hosts.find(({ domain }) => domain === '*');
  return found?.host;
}

function sharesOf(action: Message, subsetOf: SubsetOfCluster): Record<string, number> {
  const single = textAt(action, 'cluster');
  const weighted = messagesAt(messageAt(action, 'weighted_clusters'), 'clusters').map((one) => ({
    cluster: textAt(one, 'name') ?? '',
    weight: numberAt(one, 'weight', 0),
  }));
  const all = single === undefined ? weighted : [{ cluster: single, weight: 100 }];
  const sum = all.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) throw new UnreadableTrafficError('A route forwards to nobody that can be named.');
  const shares: Record<string, number> = {};
  for (const { cluster, weight } of all.filter((one) => one.weight > 0)) {
    const subset = subsetOf(cluster) ?? cluster;
    shares[subset] = (shares[subset] ?? 0) + (100 * weight) / sum;
  }
  return shares;
}

function retriesOf(holder: Message): Retries | undefined {
  if (holder.retry_policy === undefined) return undefined;
  const policy = messageAt(holder, 'retry_policy');
  const backOff = messageAt(policy, 'retry_back_off');
  const backOffMs = millisecondsAt(backOff, 'base_interval') ?? ENVOY.backOffMs;
  const perTryTimeoutMs = millisecondsAt(policy, 'per_try_timeout');
  const passesOver = messagesAt(policy, 'retry_host_predicate').some(
    (one) => textAt(one, 'name') === 'envoy.retry_host_predicates.previous_hosts',
  );
  return {
    on: (textAt(policy, 'retry_on') ?? '').split(',').toSorted(),
    attempts: numberAt(policy, 'num_retries', ENVOY.retries),
    ...(perTryTimeoutMs !== undefined && { perTryTimeoutMs }),
    backOffMs,
    backOffMaxMs: millisecondsAt(backOff, 'max_interval') ?? 10 * backOffMs,
    otherNodeAttempts: passesOver
      ? numberAt(policy, 'host_selection_retry_max_attempts', ENVOY.hostAttempts)
      : 0,
  };
}

/** A fault says nothing where the connection manager has no fault filter. */
function delayOf(manager: Message, route: Message, probe: Probe): number | undefined {
  const fault = messageAt(messageAt(route, 'typed_per_filter_config'), FAULT);
  const filtered = messagesAt(manager, 'http_filters').some((one) => textAt(one, 'name') === FAULT);
  if (Object.keys(fault).length === 0 || !filtered) return undefined;
  if (fault.abort !== undefined) {
    throw new UnreadableTrafficError('A route aborts requests on purpose.');
  }
  if (!headersTake(messagesAt(fault, 'headers'), probe)) return undefined;
  const delay = messageAt(fault, 'delay');
  const share = messageAt(delay, 'percentage');
  const whole = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[
    textAt(share, 'denominator') ?? 'HUNDRED'
  ];
  if (numberAt(share, 'numerator', 0) !== whole) {
    throw new UnreadableTrafficError('A route delays a part of its requests only.');
  }
  return millisecondsAt(delay, 'fixed_delay');
}

function removedByAllClusters(action: Message, field: string): readonly string[] {
  const [first, ...rest] = messagesAt(messageAt(action, 'weighted_clusters'), 'clusters').map(
    (one) => textsAt(one, field),
  );
  return (first ?? []).filter((name) => rest.every((names) => names.includes(name)));
}

function among(wanted: readonly string[], found: readonly string[]): readonly string[] {
  const lower = new Set(found.map((name) => name.toLowerCase()));
  return wanted.filter((name) => lower.has(name)).toSorted();
}
