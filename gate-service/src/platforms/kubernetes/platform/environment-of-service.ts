/** One service in one environment of the cluster: its arms and routes as they are, and changes of its routes. */
import { istioSubset } from '../../../mesh/effect/names.ts';
import { objectName } from '../../../mesh/istio/resources.ts';
import type { Endpoint, Environment, MeshPlan } from '../../../mesh/plan.ts';
import { KeyedLock } from '../../keyed-lock.ts';
import { PlatformError } from '../../platform.ts';
import { messageOf } from '../../wait-until.ts';
import { findArms, type FoundArm } from '../arms/list.ts';
import { SERVICE_LABEL, type ArmIdentity } from '../arms/labels.ts';
import { isReady, type Pod } from '../arms/pods.ts';
import type { ArmRecord } from '../arms/record.ts';
import type { KubernetesClient } from '../client/client.ts';
import type { ProxyHost } from '../mesh/envoy-hosts.ts';
import { ISTIO_KINDS } from '../mesh/kinds.ts';
import type { Proxies } from '../mesh/proxies.ts';
import { MeshWriter, NotTidyError, type ObservedProxy } from '../mesh/writer.ts';
import type { ServicePlacement } from '../placement.ts';
import { planOf } from './mesh-plan.ts';
import { routesOf, type Routes } from './routes.ts';

/** A service of the catalogue that runs on Kubernetes. */
export interface KubernetesService {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly placement: ServicePlacement;
}

/** An arm that can be worked with: it has a record and a Deployment. */
export interface PresentArm {
  readonly identity: ArmIdentity;
  readonly record: ArmRecord;
  /** Those that are not on their way out. */
  readonly pods: readonly Pod[];
  /** In production, until its primary Deployment has taken the arm over; see `take-over.ts`. */
  readonly ownDeployment: boolean;
}

export interface ServiceState {
  readonly arms: readonly PresentArm[];
  /** What a crash has left of arms, and arms whose removal was begun. */
  readonly leftovers: readonly FoundArm[];
  /** Removed arms that production's own Deployment still has pods of, for it has got no other one yet. */
  readonly retired: readonly FoundArm[];
  readonly routes: Routes;
}

/** How the cluster is reached in an environment. */
export interface ClusterWay {
  readonly client: KubernetesClient;
  readonly gatewayClient?: KubernetesClient | undefined;
  readonly proxies: Proxies;
  readonly log: (message: string) => void;
}

/** A change of routes, made from what is there. */
export type RouteEdit = (routes: Routes) => Routes;

/** By arm, its hosts in each proxy. */
export type ProxyHosts = (armId: string) => readonly (readonly ProxyHost[])[];

export interface ChangeOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * `every`: each ready pod must be seen in the proxies. `some`: one of each arm is enough, so that a pod that
   * dies meanwhile stops nothing.
   */
  readonly pods: 'every' | 'some';
  /** See `MeshWriter.goBack`. */
  readonly back?: boolean;
}

export class EnvironmentOfService {
  readonly service: KubernetesService;
  readonly environment: Environment;
  readonly client: KubernetesClient;
  readonly #writer: MeshWriter;
  readonly #log: (message: string) => void;
  readonly #changes = new KeyedLock();

  constructor(service: KubernetesService, environment: Environment, way: ClusterWay) {
    const { client, gatewayClient, log, proxies } = way;
    this.service = service;
    this.environment = environment;
    this.client = client;
    this.#log = log;
    const { gateways, virtualService } = service.placement[environment];
    this.#writer = new MeshWriter({
      client,
      proxies,
      gatewayClient,
      placement: {
        namespace: this.namespace,
        gateway: { kind: 'existing', names: gateways.map((one) => `${one.namespace}/${one.name}`) },
        endpoints: { kind: 'pods', targetPort: service.placement.ports.http },
        ...(virtualService !== undefined && { adopted: { [service.name]: virtualService } }),
      },
    });
  }

  get namespace(): string {
    return this.service.placement[this.environment].namespace;
  }

  /** Everything of the service here, from the API server. @throws KubernetesError, PlatformError */
  async state(signal?: AbortSignal): Promise<ServiceState> {
    const { environment, service } = this;
    const [found, routes] = await Promise.all([
      findArms(this.client, this.namespace, { service: service.name, environment }, signal),
      this.#routes(signal),
    ]);
    const arms = found.flatMap((one) => presentArm(one) ?? []);
    const known = new Set(arms.map(({ identity }) => identity.id));
    const others = found.filter(({ id }) => !known.has(id));
    const retired = others.filter(({ record }) => record?.retired === true);
    return { arms, leftovers: others.filter((one) => !retired.includes(one)), retired, routes };
  }

  /**
   * Makes a change of the routes, or only brings subsets in step with the arms; resolves when every proxy is seen
   * to have it.
   * @throws PlatformError
   */
  change(edit: RouteEdit, options: ChangeOptions): Promise<void> {
    // Each is made from what the one before has left.
    return this.#changes.run('', () => this.#change(edit, options));
  }

  async #change(edit: RouteEdit, { back = false, pods, signal }: ChangeOptions): Promise<void> {
    const state = await this.state(signal);
    this.#requireReadable(state);
    const routes = edit(state.routes);
    if (state.arms.length === 0) {
      await this.#writer.remove(this.service.name, this.environment, signal);
      return;
    }
    const plan = this.#plan({ ...state, routes }, pods);
    if (back) {
      await this.#writer.goBack(plan, signal);
      return;
    }
    try {
      await this.#writer.publish(plan, signal);
    } catch (error) {
      if (!(error instanceof NotTidyError)) throw error;
      // What was asked for is in force; what is left over goes with the next change.
      this.#log(`${this.service.name} in ${this.environment}: ${error.message}`);
    }
  }

  /** What each proxy does with the service now. @throws PlatformError, Error when one cannot be seen */
  async seen(state: ServiceState, signal?: AbortSignal): Promise<readonly ObservedProxy[]> {
    return this.#writer.observe(this.#plan(state, 'some'), signal);
  }

  /**
   * Hosts of an arm in each proxy; undefined where proxies cannot be asked themselves.
   * @throws PlatformError, Error when one does not answer
   */
  async hosts(signal?: AbortSignal): Promise<ProxyHosts | undefined> {
    const all = await this.#writer.hosts(this.environment, signal);
    if (all === undefined) return undefined;
    const subsetOf = istioSubset(this.namespace);
    return (armId) =>
      all.map((hosts) =>
        hosts.filter(({ cluster }) => subsetOf(cluster) === `${this.service.name}/${armId}`),
      );
  }

  /** How many proxies its gateways have; each was seen. @throws PlatformError, Error when one cannot be seen */
  reachable(signal?: AbortSignal): Promise<number> {
    return this.#writer.proxies(this.environment, signal);
  }

  /** The VirtualService that has the routes. */
  get virtualService(): { readonly namespace: string; readonly name: string } {
    const { service, environment, namespace } = this;
    const adopted = service.placement[environment].virtualService;
    return { namespace, name: adopted ?? objectName(service.name) };
  }

  async #routes(signal: AbortSignal | undefined): Promise<Routes> {
    const place = { kind: ISTIO_KINDS.VirtualService, ...this.virtualService };
    const found = await this.client.find(place, { signal });
    try {
      return routesOf(found);
    } catch (error) {
      throw new PlatformError(
        'refused',
        `The gate's routes in VirtualService ${place.namespace}/${place.name} were changed into something that is not the gate's: ${messageOf(error)}. Remove those routes; their names begin with speed-gate-.`,
        { cause: error },
      );
    }
  }

  #requireReadable({ leftovers, routes }: ServiceState): void {
    const routed = new Set([...routes.weights, ...routes.arms].map(({ armId }) => armId));
    const unknown = leftovers.find(({ id, unreadable }) => unreadable && routed.has(id));
    if (unknown === undefined) return;
    throw new PlatformError(
      'refused',
      `The record of arm ${unknown.id} (ConfigMap ${unknown.id} in namespace ${this.namespace}) cannot be read by this version of the gate, and the arm has traffic: its routes are left as they are. Was the gate downgraded?`,
    );
  }

  #plan({ arms, routes }: Pick<ServiceState, 'arms' | 'routes'>, pods: 'every' | 'some'): MeshPlan {
    const { environment, service } = this;
    const { http } = service.placement.ports;
    return planOf({
      environment,
      service: service.name,
      hosts: service.placement[environment].hosts ?? service.hosts,
      routes,
      arms: arms.map((arm) => {
        const endpoints = endpointsOf(arm, http);
        return {
          id: arm.identity.id,
          healthPath: arm.record.service.healthPath,
          hosts: arm.record.service.hosts,
          meshValues: arm.record.meshValues,
          endpoints: pods === 'every' ? endpoints : endpoints.slice(0, 1),
        };
      }),
    });
  }
}

/** Pods of an arm that take requests: ready, and carrying the label by which the mesh finds them. */
export function inRotation({ pods }: Pick<PresentArm, 'pods'>): readonly Pod[] {
  return pods.filter((pod) => isReady(pod) && pod.metadata.labels[SERVICE_LABEL] !== undefined);
}

function endpointsOf(arm: PresentArm, port: number): readonly Endpoint[] {
  return inRotation(arm).map(({ metadata, status }) => ({
    node: metadata.name,
    address: status.podIP ?? '',
    port,
    draining: false,
  }));
}

function presentArm(found: FoundArm): PresentArm | undefined {
  const { ending, hasDeployment, identity, ownDeployment, pods, record } = found;
  if (identity === undefined || record === undefined || !hasDeployment || ending) return undefined;
  return record.removing === true ? undefined : { identity, record, pods, ownDeployment };
}

/** Name of the Deployment whose template an arm's pods are of. */
export function deploymentOf(
  { service }: EnvironmentOfService,
  { identity, ownDeployment }: Pick<PresentArm, 'identity' | 'ownDeployment'>,
): string {
  return ownDeployment ? identity.id : service.placement.deployment;
}
