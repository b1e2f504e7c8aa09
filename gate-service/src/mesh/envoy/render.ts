/** The mesh plan as Envoy's xDS files, in the order in which they must be published. */
import { createHash } from 'node:crypto';
import type { MeshPlan } from '../plan.ts';
import { requireValidPlan } from '../rules.ts';
import { configSource, staticBootstrap } from './bootstrap.ts';
import type { EnvoyPlacement } from './bootstrap.ts';
import { cluster, loadAssignment } from './clusters.ts';
import { listener } from './listener.ts';
import {
  CDS_FILE,
  clusterName,
  edsFile,
  LDS_FILE,
  RDS_FILE,
  ROUTE_CONFIGURATION,
} from './names.ts';
import type { Message } from './names.ts';
import { routeConfiguration } from './routes.ts';

/**
 * Make before break: endpoints, clusters, (wait until the clusters have their members,) routes;
 * the listener never changes while Envoy runs. What goes away goes in the reverse order.
 */
export const PUBLISH_ORDER = ['eds', 'cds', 'rds', 'lds'] as const;
export type XdsKind = (typeof PUBLISH_ORDER)[number];

export interface XdsFile {
  readonly kind: XdsKind;
  /** Name in the watched folder. */
  readonly name: string;
  /** For `eds`: the cluster. */
  readonly cluster?: string;
  /** Says what is in the file: equal content, equal version. In config_dump as `version_info`. */
  readonly version: string;
  readonly text: string;
}

/**
 * Renders the plan, in {@link PUBLISH_ORDER}. Throws InvalidPlanError when the plan breaks a rule.
 */
export function renderXds(plan: MeshPlan, placement: EnvoyPlacement): readonly XdsFile[] {
  requireValidPlan(plan);
  const { directory, listen } = placement;
  const subsets = subsetsOf(plan);
  const clusters = subsets.map(({ service, subset }) => ({
    ...cluster(service, subset),
    type: 'EDS',
    eds_cluster_config: {
      eds_config: configSource(directory, edsFile(clusterName(service.name, subset.name))),
    },
  }));
  const rds = {
    rds: {
      route_config_name: ROUTE_CONFIGURATION,
      config_source: configSource(directory, RDS_FILE),
    },
  };
  return [
    ...subsets.map(({ service, subset }) => {
      const name = clusterName(service.name, subset.name);
      const file = xdsFile('eds', edsFile(name), [loadAssignment(service, subset)]);
      return { ...file, cluster: name };
    }),
    xdsFile('cds', CDS_FILE, clusters),
    xdsFile('rds', RDS_FILE, [routeConfiguration(plan)]),
    xdsFile('lds', LDS_FILE, [listener(plan.environment, listen, rds)]),
  ];
}

/**
 * The same resources in one static bootstrap, for `envoy --mode validate`: the only check that
 * reads them before they are in force. Throws InvalidPlanError when the plan breaks a rule.
 */
export function renderStatic(plan: MeshPlan, placement: EnvoyPlacement): Message {
  requireValidPlan(plan);
  const clusters = subsetsOf(plan).map(({ service, subset }) => {
    // Inside a bootstrap the types are known by their place.
    const load = withoutType(loadAssignment(service, subset));
    return { ...withoutType(cluster(service, subset)), type: 'STATIC', load_assignment: load };
  });
  const routes = { route_config: withoutType(routeConfiguration(plan)) };
  const listeners = [withoutType(listener(plan.environment, placement.listen, routes))];
  return staticBootstrap(placement, { listeners, clusters });
}

function subsetsOf(plan: MeshPlan) {
  return plan.services.flatMap((service) => service.subsets.map((subset) => ({ service, subset })));
}

function xdsFile(kind: XdsKind, name: string, resources: readonly Message[]): XdsFile {
  const version = createHash('sha256').update(JSON.stringify(resources)).digest('hex').slice(0, 16);
  const text = `${JSON.stringify({ version_info: version, resources }, null, 1)}\n`;
  return { kind, name, version, text };
}

function withoutType(message: Message): Message {
  return Object.fromEntries(Object.entries(message).filter(([name]) => name !== '@type'));
}
