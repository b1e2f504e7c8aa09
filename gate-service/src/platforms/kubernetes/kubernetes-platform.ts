/** Platform `kubernetes`: nodes as pods, traffic through Istio's gateways. The cluster itself is the state. */
import type { Environment } from '../../mesh/plan.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { NodeResources } from '../../stack/resources.ts';
import { KeyedLock } from '../keyed-lock.ts';
import {
  PlatformError,
  type ApplyReport,
  type Arm,
  type ArmObservation,
  type ArmRequest,
  type EntryPoint,
  type MeasurementRouting,
  type Platform,
  type ProductionRouting,
} from '../platform.ts';
import { asPlatformError } from './arms/deploy.ts';
import type { KubernetesClient } from './client/client.ts';
import type { SenderPods } from './jobs/job.ts';
import type { Proxies } from './mesh/proxies.ts';
import { apply } from './platform/apply.ts';
import { problemsOf } from './platform/checks.ts';
import { environmentOf, type KubernetesContext } from './platform/context.ts';
import { deploy } from './platform/deploy.ts';
import { EnvironmentOfService, type KubernetesService } from './platform/environment-of-service.ts';
import { observe } from './platform/observe.ts';
import { recover } from './platform/recover.ts';
import { remove } from './platform/remove.ts';
import { routeMeasurement, routeProduction } from './platform/routing.ts';
import { takeOver } from './platform/take-over.ts';
import { statusOf, type PartStatus } from './platform/status.ts';

export type { KubernetesService } from './platform/environment-of-service.ts';
export type { PartStatus } from './platform/status.ts';

export interface KubernetesPlatformOptions {
  /** The services of the catalogue that run on Kubernetes. */
  readonly services: readonly KubernetesService[];
  /** By environment: each with the rights of its own account. They stay open: they are the caller's. */
  readonly clients: Readonly<Record<Environment, KubernetesClient>>;
  /** Who reads Gateways and their pods, which live in namespaces of their own; the environment's client unless told. */
  readonly gatewayPods?: KubernetesClient;
  /** How the gateways' proxies are seen. */
  readonly proxies: Proxies;
  /** At least 32 bytes; agents' tokens are made of it, so that it is the same in all replicas and over restarts. */
  readonly agentKey: Uint8Array;
  /** What one node may use: the container's limits without what the agent needs. */
  readonly nodeResources: NodeResources;
  /** Where Jobs in staging send what is measured: what they are made of, and how many workers one has. */
  readonly sender?: SenderPods & { readonly workers: number };
  readonly log: (message: string) => void;
}

export interface KubernetesPlatform extends Platform {
  /**
   * Checks what the cluster has and what the accounts may do, and finishes or undoes what was cut off.
   * @throws PlatformError with all that is missing, when no service at all can be worked with; what is wrong for
   * some of them is logged
   */
  start(): Promise<void>;
  /** Each service's arms and gateways in each environment, as found; also without `start`. */
  status(): Promise<readonly PartStatus[]>;
  /** Ends this process's part, until another `start`; pods and routes go on. */
  close(): Promise<void>;
}

/** Opens the platform. Nothing is asked or changed before `start`. @throws RangeError for a key that is too short */
export function openKubernetesPlatform(options: KubernetesPlatformOptions): KubernetesPlatform {
  if (options.agentKey.length < SHORTEST_KEY) {
    throw new RangeError(
      `The key of the agents' tokens has ${options.agentKey.length} bytes; it needs ${SHORTEST_KEY} or more.`,
    );
  }
  return new KubernetesPlatformImplementation(options);
}

const SHORTEST_KEY = 32;
const ENVIRONMENTS = ['staging', 'production'] as const;

class KubernetesPlatformImplementation implements KubernetesPlatform {
  readonly kind = 'kubernetes' as const;
  readonly #options: KubernetesPlatformOptions;
  readonly #context: KubernetesContext;

  constructor(options: KubernetesPlatformOptions) {
    this.#options = options;
    const { agentKey, clients, gatewayPods, log, nodeResources, proxies, services } = options;
    this.#context = {
      environments: services.flatMap((service) =>
        ENVIRONMENTS.map(
          (environment) =>
            new EnvironmentOfService(service, environment, {
              client: clients[environment],
              gatewayClient: gatewayPods,
              proxies,
              log,
            }),
        ),
      ),
      agentKey,
      resources: nodeResources,
      log,
      arms: new KeyedLock(),
    };
  }

  async start(): Promise<void> {
    const { environments, log } = this.#context;
    const checked = await Promise.all(
      environments.map(async (at) => ({ at, problems: await problemsOf(at, this.#options) })),
    );
    const wrong = checked.filter(({ problems }) => problems.length > 0);
    const lines = wrong.flatMap(({ at, problems }) =>
      problems.map((problem) => `${at.service.name} in ${at.environment}: ${problem}`),
    );
    if (lines.length > 0) {
      const bad = new Set(wrong.map(({ at }) => at.service.name));
      if (this.#options.services.every(({ name }) => bad.has(name))) {
        throw new PlatformError(
          'component-failed',
          `The cluster is not ready for the gate:\n${lines.map((line) => `- ${line}`).join('\n')}`,
        );
      }
      for (const line of lines) log(line);
    }
    await recover(this.#context);
  }

  async status(): Promise<readonly PartStatus[]> {
    const all = await Promise.all(this.#context.environments.map((at) => statusOf(at)));
    return all.flat();
  }

  close(): Promise<void> {
    // Nothing of this process watches or holds anything; `start` may follow again.
    return Promise.resolve();
  }

  deploy(request: ArmRequest, signal: AbortSignal): Promise<Arm> {
    return inWords(() => deploy(this.#context, request, signal), signal);
  }

  apply(
    armId: string,
    configuration: StackConfiguration,
    signal: AbortSignal,
  ): Promise<ApplyReport> {
    return inWords(
      () => this.#arm(armId, () => apply(this.#context, armId, configuration, signal)),
      signal,
    );
  }

  routeMeasurement(routing: MeasurementRouting, signal: AbortSignal): Promise<void> {
    return inWords(() => routeMeasurement(this.#context, routing, signal), signal);
  }

  routeProduction(routing: ProductionRouting, signal: AbortSignal): Promise<void> {
    return inWords(() => routeProduction(this.#context, routing, signal), signal);
  }

  observe(service: string, environment: Environment): Promise<readonly ArmObservation[]> {
    return inWords(() => observe(this.#context, service, environment));
  }

  remove(armId: string, signal: AbortSignal): Promise<void> {
    return inWords(() => this.#arm(armId, () => remove(this.#context, armId, signal)), signal);
  }

  restore(service: string, armId: string, signal: AbortSignal): Promise<void> {
    const weights = [{ armId, weight: 100 }];
    return inWords(
      () => routeProduction(this.#context, { service, weights }, signal, true),
      signal,
    );
  }

  takeOver(armId: string, signal: AbortSignal): Promise<void> {
    return inWords(() => this.#arm(armId, () => takeOver(this.#context, armId, signal)), signal);
  }

  entryPoint(environment: Environment, service: string): EntryPoint {
    const at = environmentOf(this.#context, service, environment);
    const { gateways, hosts } = at.service.placement[environment];
    const [first] = gateways;
    if (first === undefined) {
      throw new PlatformError('not-found', `Service ${service} has no gateway in ${environment}.`);
    }
    return { ...first.address, ...(hosts?.[0] !== undefined && { authority: hosts[0] }) };
  }

  #arm<T>(armId: string, act: () => Promise<T>): Promise<T> {
    return this.#context.arms.run(armId, act);
  }
}

/** Whatever comes of it, the caller hears it in the platform's words. */
async function inWords<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const told = asPlatformError(error, signal);
    if (told instanceof PlatformError) throw told;
    throw new PlatformError('component-failed', told.message, { cause: error });
  }
}
