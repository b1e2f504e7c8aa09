/**
 * Puts a mesh plan in force through Istio: checked first, subsets before routes, each seen at every
 * proxy of the gateways before the next. What is refused or not seen is taken back. There is one
 * writer per environment; foreign changes are reported, never written over.
 */
import { checkIstio } from '../../../mesh/istio/check.ts';
import { renderIstio } from '../../../mesh/istio/render.ts';
import {
  gatewayNames,
  meshHost,
  objectName,
  SERVICE_LABEL,
  type IstioPlacement,
  type IstioResource,
} from '../../../mesh/istio/resources.ts';
import type { Environment, MeshPlan } from '../../../mesh/plan.ts';
import { InvalidPlanError } from '../../../mesh/rules.ts';
import { PlatformError } from '../../platform.ts';
import type { KubernetesClient } from '../client/client.ts';
import type { ProxyHost } from './envoy-hosts.ts';
import { meshFailure } from './failures.ts';
import { requireFreeHosts } from './hosts.ts';
import { ISTIO_KINDS } from './kinds.ts';
import {
  applyOwn,
  deleteOwn,
  findOwn,
  isGates,
  listIn,
  specOf,
  WRITE_PATIENCE_MS,
} from './own-object.ts';
import { existingGateways, gatewayPods, type Proxies, type ProxyLook } from './proxies.ts';
import { adoptedRouteChange, giveBack, ownRouteChange, type RouteChange } from './route-change.ts';
import { judgeOf, trafficIn, untilSeen, type Judge } from './seen.ts';
import type { Traffic } from '../../../mesh/effect/traffic.ts';

export interface MeshWriterOptions {
  readonly client: KubernetesClient;
  readonly proxies: Proxies;
  readonly placement: IstioPlacement;
  /** Who reads Gateways and their pods, which live elsewhere; `client` unless told. */
  readonly gatewayClient?: KubernetesClient | undefined;
  /** Where the gateways' pods run, if not in the Gateway's namespace. */
  readonly podNamespace?: string | undefined;
  /** How long proxies may take; 30 s, for istiod needs that after an outage of the API server. */
  readonly seenMs?: number | undefined;
  readonly everyMs?: number | undefined;
}

/** Milliseconds since the change began. */
export interface StepTimes {
  /** The API server has taken the last object. */
  readonly applied: number;
  /** Every proxy was seen to have it, and to have acknowledged it. */
  readonly seen: number;
}

export interface PublishReport {
  readonly subsets: StepTimes;
  readonly routes: StepTimes;
  /** Names of the proxies that were seen. */
  readonly proxies: readonly string[];
}

/** What one proxy does now. */
export interface ObservedProxy {
  readonly proxy: string;
  readonly traffic: Traffic;
  /** What it has not acknowledged; absent when nothing. */
  readonly outstanding?: string;
}

const SEEN_MS = 30_000;
const EVERY_MS = 100;

export class MeshWriter {
  readonly #options: MeshWriterOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MeshWriterOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every proxy is seen to do what the plan says for its services; services that the
   * plan does not name are left alone. The signal is heeded until the routes are written.
   * @throws PlatformError `invalid-configuration`, `refused`, `component-failed` (nothing is routed
   * differently) or `route-not-seen` (the former routes were put back); what it says where the routes are in force
   * and only what they replace could not be tidied away: {@link NotTidyError}
   */
  publish(plan: MeshPlan, signal?: AbortSignal): Promise<PublishReport> {
    return this.#alone(() => this.#publish(plan, signal));
  }

  /**
   * The way back to what serves: routes are written at once where their subset is there already, and stay
   * whatever comes after. Neither other subsets nor a host that somebody else has as well hold it up.
   * @throws PlatformError; `route-not-seen`: the routes are written, but not every proxy was seen to have them
   */
  goBack(plan: MeshPlan, signal?: AbortSignal): Promise<void> {
    return this.#alone(() => this.#goBack(plan, signal));
  }

  /**
   * Takes a service out of the mesh: its routes first, and when no proxy sends to it any more all
   * else. An adopted VirtualService gets its former route back.
   * @throws PlatformError as `publish`
   */
  remove(service: string, environment: Environment, signal?: AbortSignal): Promise<void> {
    return this.#alone(() => this.#remove(service, environment, signal));
  }

  /** What each proxy does with the plan's services now. @throws PlatformError, Error when one cannot be seen */
  async observe(plan: MeshPlan, signal?: AbortSignal): Promise<readonly ObservedProxy[]> {
    const looks = await this.#look(plan.environment, signal);
    return looks.map(({ proxy, dump, outstanding }) => ({
      proxy,
      traffic: trafficIn(dump, plan, this.#options.placement),
      ...(outstanding !== undefined && { outstanding }),
    }));
  }

  /** How many proxies there are, each of which was seen. @throws PlatformError, Error when one cannot be seen */
  async proxies(environment: Environment, signal?: AbortSignal): Promise<number> {
    return (await this.#look(environment, signal)).length;
  }

  /**
   * Hosts of each proxy by cluster; undefined where proxies cannot be asked themselves.
   * @throws PlatformError, Error when one does not answer
   */
  async hosts(
    environment: Environment,
    signal?: AbortSignal,
  ): Promise<readonly (readonly ProxyHost[])[] | undefined> {
    const { proxies } = this.#options;
    return proxies.hosts?.(await this.#pods(environment, signal), signal);
  }

  async #publish(plan: MeshPlan, signal: AbortSignal | undefined): Promise<PublishReport> {
    const { client, gatewayClient = client, placement } = this.#options;
    const wanted = renderIstio(plan, placement);
    const { changes, untaken } = await this.#routeChanges(wanted);
    const routed = without(plan, untaken);
    const gateways = gatewayNames(plan.environment, placement);
    const present = await existingGateways(gatewayClient, gateways, signal);
    const outcome = [
      ...wanted.filter(({ kind }) => kind !== 'VirtualService'),
      ...changes.map((change) => change.outcome),
    ];
    const violations = checkIstio(outcome, present);
    if (violations.length > 0) throw new InvalidPlanError(violations);
    await requireFreeHosts(client, placement, plan, signal);

    let begun = performance.now();
    for (const one of wanted.filter(({ kind }) => kind !== 'VirtualService')) {
      signal?.throwIfAborted();
      await applyOwn(client, await this.#withFormerSubsets(one));
    }
    let applied = performance.now() - begun;
    const before = await this.#until(plan.environment, judgeOf(plan, placement, 'subsets'), signal);
    const subsets = { applied, seen: performance.now() - begun };
    signal?.throwIfAborted();

    begun = performance.now();
    try {
      for (const change of changes) await change.apply();
      applied = performance.now() - begun;
      const judge = judgeOf(routed, placement, 'routes');
      await this.#until(plan.environment, acknowledgedSince(before, judge));
    } catch (error) {
      throw await this.#undone(changes, error);
    }
    const routes = { applied, seen: performance.now() - begun };
    try {
      await this.#tidy(plan, wanted);
      const looks = await this.#until(plan.environment, judgeOf(routed, placement, 'all'));
      return { subsets, routes, proxies: looks.map(({ proxy }) => proxy) };
    } catch (error) {
      throw new NotTidyError(error);
    }
  }

  async #goBack(plan: MeshPlan, signal: AbortSignal | undefined): Promise<void> {
    const { placement } = this.#options;
    const wanted = renderIstio(plan, placement);
    const { changes } = await this.#routeChanges(wanted);
    if (!(await this.#hasRoutedSubsets(plan, wanted))) {
      for (const one of wanted.filter(({ kind }) => kind !== 'VirtualService')) {
        await applyOwn(this.#options.client, await this.#withFormerSubsets(one));
      }
      await this.#until(plan.environment, judgeOf(routedOnly(plan), placement, 'subsets'), signal);
    }
    signal?.throwIfAborted();
    for (const change of changes) await change.apply();
    try {
      await this.#until(plan.environment, judgeOf(plan, placement, 'requests'));
    } catch (error) {
      const cause = meshFailure(error);
      throw new PlatformError(
        'route-not-seen',
        `The routes that lead back are written and stay, but: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause: error },
      );
    }
    // What is left over goes with the next plan, when it cannot go now.
    await this.#tidy(plan, wanted).catch(() => undefined);
  }

  /** Whether the subsets that the plan routes to are at the API server, so that proxies have them. */
  async #hasRoutedSubsets(plan: MeshPlan, wanted: readonly IstioResource[]): Promise<boolean> {
    const needed = new Set(plan.services.flatMap(routedSubsets));
    const rules = wanted.filter(({ kind }) => kind === 'DestinationRule');
    const present = await Promise.all(rules.map((one) => findOwn(this.#options.client, one)));
    const names = present.flatMap((one) => listIn(specOf(one), 'subsets').map(({ name }) => name));
    return [...needed].every((name) => names.includes(name));
  }

  /** Services that go on by the routes of somebody else, which need not be the gate's yet, are `untaken`. */
  async #routeChanges(
    wanted: readonly IstioResource[],
  ): Promise<{ readonly changes: readonly RouteChange[]; readonly untaken: ReadonlySet<string> }> {
    const { client, placement } = this.#options;
    const changes: RouteChange[] = [];
    const untaken = new Set<string>();
    for (const one of wanted.filter(({ kind }) => kind === 'VirtualService')) {
      const service = one.metadata.labels[SERVICE_LABEL] ?? '';
      const adopted = placement.adopted?.[service];
      const change =
        adopted === undefined
          ? await ownRouteChange(client, one)
          : await adoptedRouteChange(client, adopted, one);
      if (change === undefined) untaken.add(service);
      else changes.push(change);
    }
    return { changes, untaken };
  }

  /** A subset that the routes in force go to stays until they do not. */
  async #withFormerSubsets(wanted: IstioResource): Promise<IstioResource> {
    if (wanted.kind !== 'DestinationRule') return wanted;
    const former = listIn(specOf(await findOwn(this.#options.client, wanted)), 'subsets');
    const subsets = listIn(wanted.spec, 'subsets');
    const names = new Set(subsets.map(({ name }) => name));
    const kept = former.filter(({ name }) => !names.has(name));
    return { ...wanted, spec: { ...wanted.spec, subsets: [...subsets, ...kept] } };
  }

  /** Away with the subsets and endpoints that nothing is routed to any more. */
  async #tidy(plan: MeshPlan, wanted: readonly IstioResource[]): Promise<void> {
    const { client, placement } = this.#options;
    for (const one of wanted.filter(({ kind }) => kind === 'DestinationRule')) {
      await applyOwn(client, one);
    }
    const names = new Set(
      wanted.filter(({ kind }) => kind === 'WorkloadEntry').map(({ metadata }) => metadata.name),
    );
    for (const { name: service } of plan.services) {
      await this.#deleteEntries(service, placement.namespace, names);
    }
  }

  async #deleteEntries(
    service: string,
    namespace: string,
    kept: ReadonlySet<string>,
  ): Promise<void> {
    const { client, placement } = this.#options;
    // Where pods are the endpoints there are none, and no right to look for them is needed.
    if (placement.endpoints.kind !== 'listed') return;
    const kind = ISTIO_KINDS.WorkloadEntry;
    const labels = { [SERVICE_LABEL]: service };
    for (const { metadata } of (await client.list({ kind, namespace, labels })).filter(isGates)) {
      if (kept.has(metadata.name)) continue;
      await client.delete(
        { kind, namespace, name: metadata.name },
        { patienceMs: WRITE_PATIENCE_MS },
      );
    }
  }

  async #remove(
    service: string,
    environment: Environment,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { client, placement } = this.#options;
    const { namespace, adopted } = placement;
    const name = objectName(service);
    const taken = adopted?.[service];
    if (taken !== undefined) await giveBack(client, namespace, taken);
    await deleteOwn(client, 'VirtualService', namespace, name);
    const host = meshHost(service, namespace);
    await this.#until(
      environment,
      ({ dump, outstanding }) =>
        dump.entries.some((entry) => JSON.stringify(entry.routes).includes(`|${host}"`))
          ? `it still sends requests to ${host}.`
          : outstanding,
      signal,
    );
    await deleteOwn(client, 'DestinationRule', namespace, name);
    await deleteOwn(client, 'ServiceEntry', namespace, name);
    await this.#deleteEntries(service, namespace, new Set());
  }

  /** The failure, with what became of the former routes. */
  async #undone(changes: readonly RouteChange[], error: unknown): Promise<unknown> {
    const cause = meshFailure(error);
    const words = cause instanceof Error ? cause.message : String(cause);
    const undone = await Promise.allSettled(changes.toReversed().map((change) => change.undo()));
    const failed = undone.find((one) => one.status === 'rejected');
    const what =
      failed === undefined
        ? 'The former routes were put back.'
        : `The former routes could not be put back: ${String(meshFailure(failed.reason))}`;
    const failure = cause instanceof PlatformError ? cause.failure : 'route-not-seen';
    return new PlatformError(failure, `${words} ${what}`, { cause: error });
  }

  #until(
    environment: Environment,
    judge: Judge,
    signal?: AbortSignal,
  ): Promise<readonly ProxyLook[]> {
    const { proxies, seenMs = SEEN_MS, everyMs = EVERY_MS } = this.#options;
    const pods = () => this.#pods(environment, signal);
    return untilSeen(judge, { proxies, pods, timeoutMs: seenMs, everyMs, signal });
  }

  async #look(environment: Environment, signal?: AbortSignal): Promise<readonly ProxyLook[]> {
    return this.#options.proxies.look(await this.#pods(environment, signal), signal);
  }

  #pods(environment: Environment, signal: AbortSignal | undefined) {
    const { client, gatewayClient = client, placement, podNamespace } = this.#options;
    return gatewayPods(gatewayClient, gatewayNames(environment, placement), podNamespace, signal);
  }

  /** One change after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work).catch((error: unknown) => {
      throw meshFailure(error);
    });
    this.#last = run.catch(() => undefined);
    return run;
  }
}

/** The new routes are in force and seen; only what they took the place of is not all gone. */
export class NotTidyError extends PlatformError {
  constructor(cause: unknown) {
    const failed = meshFailure(cause);
    const words = failed instanceof Error ? failed.message : String(failed);
    const failure = failed instanceof PlatformError ? failed.failure : 'component-failed';
    super(
      failure,
      `The new routes are in force. What nothing is routed to any more could not be tidied away: ${words}`,
      { cause },
    );
    this.name = 'NotTidyError';
  }
}

/** Names of the subsets that get requests. */
function routedSubsets({ armRoutes, defaultRoute }: MeshPlan['services'][number]): string[] {
  const weighted = (defaultRoute?.weights ?? []).filter(({ weight }) => weight > 0);
  return [...armRoutes, ...weighted].map(({ subset }) => subset);
}

function without(plan: MeshPlan, names: ReadonlySet<string>): MeshPlan {
  return { ...plan, services: plan.services.filter(({ name }) => !names.has(name)) };
}

function routedOnly(plan: MeshPlan): MeshPlan {
  return {
    ...plan,
    services: plan.services.map((service) => {
      const routed = new Set(routedSubsets(service));
      return { ...service, subsets: service.subsets.filter(({ name }) => routed.has(name)) };
    }),
  };
}

/**
 * A proxy that did not have the routes before must acknowledge another push than the last one then:
 * istiod's dump tells what it generates, a moment before it is sent.
 */
function acknowledgedSince(before: readonly ProxyLook[], judge: Judge): Judge {
  const former = new Map(
    before.map((look) => [look.proxy, judge(look) === undefined ? undefined : look]),
  );
  return (look) => {
    const lacking = judge(look);
    if (lacking !== undefined || look.routesAcknowledged === undefined) return lacking;
    return former.get(look.proxy)?.routesAcknowledged === look.routesAcknowledged
      ? 'its routes were not sent anew yet.'
      : undefined;
  };
}
