/**
 * Puts a mesh plan in force on one Envoy: checked, published make before break, and seen in the
 * proxy. What is refused or not seen is taken back.
 */
import type { EnvoyPlacement } from '../../mesh/envoy/bootstrap.ts';
import {
  CDS_FILE,
  clusterName,
  edsFile,
  LDS_FILE,
  LISTENER,
  RDS_FILE,
  ROUTE_CONFIGURATION,
} from '../../mesh/envoy/names.ts';
import { renderXds } from '../../mesh/envoy/render.ts';
import type { MeshPlan } from '../../mesh/plan.ts';
import { InvalidPlanError } from '../../mesh/rules.ts';
import { PlatformError } from '../platform.ts';
import type { EnvoyAdmin } from './envoy-admin.ts';
import { structureOf, validateWithEnvoy } from './plan-validation.ts';
import { messageOf, waitUntil } from '../wait-until.ts';
import { clustersOfBoth, versionOf, XdsFolder, type XdsTexts } from './xds-folder.ts';

const SEEN_TIMEOUT_MS = 15_000;
const LOOK_EVERY_MS = 10;

export interface MeshPublisherOptions {
  readonly placement: EnvoyPlacement;
  readonly temporary: string;
  readonly envoy: string;
  readonly admin: EnvoyAdmin;
}

export class MeshPublisher {
  readonly #options: MeshPublisherOptions;
  readonly #folder: XdsFolder;
  #validated: string | undefined;
  #published: MeshPlan | undefined;

  constructor(options: MeshPublisherOptions) {
    this.#options = options;
    this.#folder = new XdsFolder(options.placement.directory, options.temporary);
  }

  /** Writes the files for an Envoy that does not run yet. @throws PlatformError `invalid-configuration` */
  async prepare(plan: MeshPlan): Promise<void> {
    const wanted = await this.#render(plan);
    const former = await this.#folder.read();
    for (const [name, text] of wanted) await this.#folder.put(name, text);
    for (const name of former.keys()) if (!wanted.has(name)) await this.#folder.remove(name);
    this.#published = plan;
  }

  /**
   * Resolves when the running Envoy is seen to do what the plan says.
   * @throws PlatformError `invalid-configuration` (nothing was changed) or `route-not-seen` (the
   * former files are back)
   */
  async publish(plan: MeshPlan): Promise<void> {
    const wanted = await this.#render(plan);
    const former = await this.#folder.read();
    try {
      await this.#change(former, wanted, plan);
      this.#published = plan;
    } catch (error) {
      const undone = await this.#undo(former);
      throw new PlatformError(
        'route-not-seen',
        `The Envoy of ${plan.environment} did not take the new routes and clusters: ${messageOf(error)} ${undone}`,
        { cause: error },
      );
    }
  }

  async #render(plan: MeshPlan): Promise<XdsTexts> {
    const { placement, envoy, temporary } = this.#options;
    let files;
    try {
      files = renderXds(plan, placement);
    } catch (error) {
      if (!(error instanceof InvalidPlanError)) throw error;
      throw new PlatformError('invalid-configuration', error.message, { cause: error });
    }
    const structure = structureOf(plan);
    if (structure !== this.#validated) {
      await validateWithEnvoy(plan, placement, envoy, temporary);
      this.#validated = structure;
    }
    return new Map(files.map(({ name, text }) => [name, text]));
  }

  /** Endpoints, clusters (and their members), routes, listener; then away with what nothing uses. */
  async #change(former: XdsTexts, wanted: XdsTexts, plan: MeshPlan | undefined): Promise<void> {
    const { refusals: before } = await this.#options.admin.subscriptions();
    const text = (name: string): string => wanted.get(name) ?? '';
    const changed = (name: string): boolean => former.get(name) !== wanted.get(name);

    const endpoints = [...wanted.keys()].filter((name) => name.startsWith('eds-') && changed(name));
    for (const name of endpoints) await this.#folder.put(name, text(name));
    const both = clustersOfBoth(text(CDS_FILE), former.get(CDS_FILE));
    if (former.get(CDS_FILE) !== both) {
      await this.#folder.put(CDS_FILE, both);
      await this.#seen('cluster_manager.cds', both, before);
    }
    if (plan !== undefined) await this.#endpointsSeen(plan, wanted, before);
    if (changed(RDS_FILE)) {
      await this.#folder.put(RDS_FILE, text(RDS_FILE));
      await this.#seen(`http.${LISTENER}.rds.${ROUTE_CONFIGURATION}`, text(RDS_FILE), before);
    }
    if (changed(LDS_FILE)) {
      await this.#folder.put(LDS_FILE, text(LDS_FILE));
      await this.#seen('listener_manager.lds', text(LDS_FILE), before);
    }
    if (both !== text(CDS_FILE)) {
      await this.#folder.put(CDS_FILE, text(CDS_FILE));
      await this.#seen('cluster_manager.cds', text(CDS_FILE), before);
    }
    for (const name of former.keys()) if (!wanted.has(name)) await this.#folder.remove(name);
    if (plan !== undefined) await this.#routesSeen(plan, text(RDS_FILE));
  }

  async #undo(former: XdsTexts): Promise<string> {
    if (former.size === 0) return 'There was no former configuration to go back to.';
    try {
      await this.#change(await this.#inForce(), former, this.#published);
      return 'The former configuration is in force again.';
    } catch (error) {
      // Also unseen, the former files must be what an Envoy finds when it starts again.
      for (const [name, text] of former) await this.#folder.put(name, text);
      return `The former files were put back, but that was not seen either: ${messageOf(error)}`;
    }
  }

  /** The files as they lie there, without clusters that Envoy has refused: those must not be asked for again. */
  async #inForce(): Promise<XdsTexts> {
    const now = new Map(await this.#folder.read());
    const { versions } = await this.#options.admin.subscriptions();
    if (versions.get('cluster_manager.cds') !== versionOf(now.get(CDS_FILE))) now.delete(CDS_FILE);
    return now;
  }

  /** Waits until a subscription has the version of a file. @throws when Envoy refuses it or time is over */
  async #seen(
    subscription: string,
    text: string,
    before: ReadonlyMap<string, number>,
  ): Promise<void> {
    const version = versionOf(text);
    const seen = await this.#look(async () => {
      const { versions, refusals } = await this.#options.admin.subscriptions();
      if (versions.get(subscription) === version) return true;
      requireNoRefusal(subscription, refusals, before);
      return undefined;
    });
    if (seen === undefined) {
      throw new Error(
        `${subscription} was not at version ${version ?? '?'} after ${SEEN_TIMEOUT_MS / 1000} s.`,
      );
    }
  }

  /** Waits until every cluster of the plan is in use with exactly the plan's endpoints. */
  async #endpointsSeen(
    plan: MeshPlan,
    wanted: XdsTexts,
    before: ReadonlyMap<string, number>,
  ): Promise<void> {
    const { admin } = this.#options;
    let missing = '';
    const seen = await this.#look(async () => {
      const { versions, refusals } = await admin.subscriptions();
      const hosts = await admin.hosts();
      for (const service of plan.services) {
        for (const { name: subset, endpoints } of service.subsets) {
          const cluster = clusterName(service.name, subset);
          requireNoRefusal(`cluster.${cluster}`, refusals, before);
          const found = hosts.get(cluster) ?? [];
          const same =
            versions.get(`cluster.${cluster}`) === versionOf(wanted.get(edsFile(cluster))) &&
            found.length === endpoints.length &&
            endpoints.every((one) =>
              found.some((host) => host.port === one.port && host.draining === one.draining),
            );
          if (!same) {
            missing = cluster;
            return undefined;
          }
        }
      }
      missing = 'a cluster that is still warming';
      return (await admin.warmingClusters()) === 0 ? true : undefined;
    });
    if (seen === undefined) {
      throw new Error(
        `The endpoints of ${missing} were not seen after ${SEEN_TIMEOUT_MS / 1000} s.`,
      );
    }
  }

  /** The weights as Envoy dumps them, not as we wrote them. */
  async #routesSeen(plan: MeshPlan, text: string): Promise<void> {
    const version = versionOf(text);
    const seen = await this.#look(async () => {
      const routes = await this.#options.admin.routes();
      if (routes?.version !== version) return undefined;
      return plan.services.every((service) => {
        const weights = routes?.weights.get(service.name);
        return (service.defaultRoute?.weights ?? []).every(
          ({ subset, weight }) => (weights?.get(clusterName(service.name, subset)) ?? 0) === weight,
        );
      })
        ? true
        : undefined;
    });
    if (seen === undefined)
      throw new Error('The routes in its config_dump are not those of the plan.');
  }

  /** An Envoy that was just killed is started again: its silence is no refusal. */
  async #look(look: () => Promise<true | undefined>): Promise<true | undefined> {
    let silence: unknown;
    const seen = await waitUntil(
      async () => {
        try {
          const found = await look();
          silence = undefined;
          return found;
        } catch (error) {
          if (error instanceof RefusedError) throw error;
          silence = error;
          return undefined;
        }
      },
      { timeoutMs: SEEN_TIMEOUT_MS, everyMs: LOOK_EVERY_MS },
    );
    if (seen === undefined && silence !== undefined) {
      throw new Error(`its admin API does not answer (${messageOf(silence)}).`);
    }
    return seen;
  }
}

class RefusedError extends Error {}

function requireNoRefusal(
  subscription: string,
  now: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
): void {
  for (const kind of ['update_rejected', 'update_failure']) {
    const name = `${subscription}.${kind}`;
    if ((now.get(name) ?? 0) > (before.get(name) ?? 0)) {
      throw new RefusedError(`it refused an update (${name} rose).`);
    }
  }
}
