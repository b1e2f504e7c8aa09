/** The traffic that an Envoy's configuration makes: from `GET /config_dump?include_eds`, or istiod's dump of it. */
import type { MeshPlan } from '../plan.ts';
import { subsetTreatment } from './clusters.ts';
import { messageAt, messagesAt, textAt, withProtoNames } from './message.ts';
import type { Message } from './message.ts';
import type { SubsetOfCluster } from './names.ts';
import { probesOf } from './probes.ts';
import { treatmentAt } from './requests.ts';
import type { Entry } from './requests.ts';
import { UnreadableTrafficError } from './traffic.ts';
import type { Probe, Traffic, Treatment } from './traffic.ts';

const MANAGER = 'envoy.filters.network.http_connection_manager';

/** A config_dump, taken apart. */
export interface Dump {
  readonly entries: readonly Entry[];
  /** Active clusters by name. */
  readonly clusters: ReadonlyMap<string, Message>;
  /** Endpoints by the name under which a cluster asks for them, as localities. */
  readonly endpoints: ReadonlyMap<string, readonly Message[]>;
}

/** @throws UnreadableTrafficError when it is no config_dump */
export function parseDump(json: unknown): Dump {
  const dump = withProtoNames(json);
  const configs =
    typeof dump === 'object' && dump !== null ? messagesAt(dump as Message, 'configs') : [];
  if (configs.length === 0) throw new UnreadableTrafficError('This is no config_dump of Envoy.');
  const of = (type: string): Message =>
    configs.find((one) => textAt(one, '@type')?.endsWith(`.${type}`) === true) ?? {};
  const routes = new Map(
    ['static_route_configs', 'dynamic_route_configs']
      .flatMap((kind) => messagesAt(of('RoutesConfigDump'), kind))
      .map((one) => messageAt(one, 'route_config'))
      .map((one) => [textAt(one, 'name') ?? '', one]),
  );
  const clusters = of('ClustersConfigDump');
  return {
    entries: listenersOf(of('ListenersConfigDump')).flatMap((one) => entriesOf(one, routes)),
    clusters: new Map(
      ['static_clusters', 'dynamic_active_clusters']
        .flatMap((kind) => messagesAt(clusters, kind))
        .map((one) => messageAt(one, 'cluster'))
        .map((one) => [textAt(one, 'name') ?? '', one]),
    ),
    endpoints: new Map(
      ['static_endpoint_configs', 'dynamic_endpoint_configs']
        .flatMap((kind) => messagesAt(of('EndpointsConfigDump'), kind))
        .map((one) => messageAt(one, 'endpoint_config'))
        .map((one) => [textAt(one, 'cluster_name') ?? '', messagesAt(one, 'endpoints')]),
    ),
  };
}

/**
 * How the proxy treats the requests and subsets that the plan speaks of, and subsets of the same
 * services that it does not. Where several entries have a host, all must treat it alike.
 * @throws UnreadableTrafficError where that cannot be judged
 */
export function trafficOfDump(dump: Dump, plan: MeshPlan, subsetOf: SubsetOfCluster): Traffic {
  const services = new Set(plan.services.map(({ name }) => name));
  const subsets = [...dump.clusters].flatMap(([name, cluster]) => {
    const subset = subsetOf(name);
    if (subset === undefined || !services.has(subset.split('/')[0] ?? '')) return [];
    const asked = textAt(messageAt(cluster, 'eds_cluster_config'), 'service_name') ?? name;
    const inline = messagesAt(messageAt(cluster, 'load_assignment'), 'endpoints');
    const localities = dump.endpoints.get(asked) ?? inline;
    return [[subset, subsetTreatment(cluster, localities)] as const];
  });
  const known = new Set(plan.services.flatMap(({ hosts }) => hosts));
  return {
    requests: Object.fromEntries(
      probesOf(plan).map((probe) => [probe.name, treatment(dump, probe, subsetOf, known)]),
    ),
    subsets: Object.fromEntries(subsets),
  };
}

function treatment(
  { entries }: Dump,
  probe: Probe,
  subsetOf: SubsetOfCluster,
  known: ReadonlySet<string>,
): Treatment {
  const found = entries.flatMap((entry) => treatmentAt(entry, probe, subsetOf) ?? []);
  const [first] = found;
  if (first === undefined) return { status: 404 };
  if (found.some((one) => JSON.stringify(one) !== JSON.stringify(first))) {
    throw new UnreadableTrafficError(`The proxy's listeners treat ${probe.name} differently.`);
  }
  const ours = [...known].some((host) => probe.host.toLowerCase().startsWith(host.toLowerCase()));
  return 'status' in first && !ours ? { status: first.status } : first;
}

function listenersOf(dump: Message): readonly Message[] {
  const live = messagesAt(dump, 'dynamic_listeners').map((one) =>
    messageAt(messageAt(one, 'active_state'), 'listener'),
  );
  const fixed = messagesAt(dump, 'static_listeners').map((one) => messageAt(one, 'listener'));
  return [...live, ...fixed];
}

function entriesOf(listener: Message, routes: ReadonlyMap<string, Message>): Entry[] {
  const chains = [...messagesAt(listener, 'filter_chains')];
  if (listener.default_filter_chain !== undefined) {
    chains.push(messageAt(listener, 'default_filter_chain'));
  }
  return chains
    .flatMap((chain) => messagesAt(chain, 'filters'))
    .filter((filter) => textAt(filter, 'name') === MANAGER)
    .map((filter) => messageAt(filter, 'typed_config'))
    .flatMap((manager) => {
      const name = textAt(messageAt(manager, 'rds'), 'route_config_name');
      const inline = messageAt(manager, 'route_config');
      const used = name === undefined ? inline : routes.get(name);
      return used === undefined ? [] : [{ manager, routes: used }];
    });
}
