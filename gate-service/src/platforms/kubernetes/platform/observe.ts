/** The arms of a service as their pods, their agents and the proxies have them now. */
import type { Environment } from '../../../mesh/plan.ts';
import type { NodeStatus } from '../../../node-agent/protocol.ts';
import type { Arm, ArmObservation } from '../../platform.ts';
import { messageOf } from '../../wait-until.ts';
import { armOf, type FoundArm } from '../arms/list.ts';
import { isReady, type Pod } from '../arms/pods.ts';
import type { ObservedProxy } from '../mesh/writer.ts';
import { agentOf, environmentOf, type KubernetesContext } from './context.ts';
import type {
  EnvironmentOfService,
  PresentArm,
  ProxyHosts,
  ServiceState,
} from './environment-of-service.ts';

/** An agent that does not answer at once is not there. */
const STATUS_MS = 5000;

/**
 * See `Platform.observe`: also what is left of arms whose deployment or removal was cut off. Where the proxies
 * cannot be seen, arms that are routed to have the weight NaN, and no node is healthy; where they differ, too, have
 * arms that they differ about that weight. NaN equals no weight: it is never taken for what was wanted.
 */
export async function observe(
  context: KubernetesContext,
  service: string,
  environment: Environment,
): Promise<readonly ArmObservation[]> {
  const at = environmentOf(context, service, environment);
  const state = await at.state();
  if (state.arms.length === 0 && state.leftovers.length === 0) return [];
  const proxies = await lookAt(context, at, state);
  return [
    ...(await Promise.all(state.arms.map((arm) => observeArm(context, at, arm, state, proxies)))),
    ...state.leftovers.flatMap((found) => observeLeftover(at, found, state, proxies)),
  ];
}

interface Look {
  readonly seen: readonly ObservedProxy[];
  readonly hosts: ProxyHosts | undefined;
}

/** `undefined` when the proxies cannot be seen. */
async function lookAt(
  context: KubernetesContext,
  at: EnvironmentOfService,
  state: ServiceState,
): Promise<Look | undefined> {
  if (state.arms.length === 0) return { seen: [], hosts: undefined };
  try {
    const [seen, hosts] = await Promise.all([at.seen(state), at.hosts()]);
    return { seen, hosts };
  } catch (error) {
    context.log(
      `the proxies of ${at.environment} cannot be seen, so that what carries ${at.service.name} is not known: ${messageOf(error)}`,
    );
    return undefined;
  }
}

async function observeArm(
  context: KubernetesContext,
  at: EnvironmentOfService,
  arm: PresentArm,
  state: ServiceState,
  look: Look | undefined,
): Promise<ArmObservation> {
  const { identity, pods } = arm;
  const nodes = await Promise.all(
    pods.map(async (pod) => {
      const status = await statusOf(context, at, identity.id, pod);
      const { healthy, requests } = inProxies(at, identity.id, pod, look);
      return {
        name: pod.metadata.name,
        ...(status && { status }),
        healthyInProxy: healthy,
        // Where proxies cannot be asked, httpd's own count: it knows of every request that came.
        requestsTotal: requests ?? status?.httpd?.totalAccesses ?? 0,
      };
    }),
  );
  return {
    arm: armOf(arm, at.service.placement.ports.http),
    weight: weightOf(at, identity.id, state, look),
    nodes,
    ...(takesOver(at) && arm.ownDeployment && { besidePrimary: true }),
  };
}

function takesOver({ environment, service }: EnvironmentOfService): boolean {
  return environment === 'production' && service.placement.primary === 'takes-over';
}

function nodeOf(at: EnvironmentOfService, { metadata, status }: Pod): Arm['nodes'][number] {
  const { http } = at.service.placement.ports;
  return { name: metadata.name, address: status.podIP ?? '', port: http };
}

async function statusOf(
  context: KubernetesContext,
  at: EnvironmentOfService,
  armId: string,
  pod: Pod,
): Promise<NodeStatus | undefined> {
  if (pod.status.podIP === undefined) return undefined;
  try {
    return await agentOf(context, at, armId, pod).status(AbortSignal.timeout(STATUS_MS));
  } catch {
    return undefined;
  }
}

function inProxies(
  at: EnvironmentOfService,
  armId: string,
  { status }: Pod,
  look: Look | undefined,
): { readonly healthy: boolean; readonly requests: number | undefined } {
  if (look === undefined || look.seen.length === 0 || status.podIP === undefined) {
    return { healthy: false, requests: undefined };
  }
  const address = `${status.podIP}:${at.service.placement.ports.http}`;
  const listed = look.seen.every(({ traffic }) =>
    traffic.subsets[`${at.service.name}/${armId}`]?.endpoints.some(
      (endpoint) => endpoint.address === address,
    ),
  );
  const hosts = look.hosts?.(armId).map((all) => all.find((host) => host.address === address));
  if (hosts === undefined) return { healthy: listed, requests: undefined };
  return {
    healthy: listed && hosts.every((host) => host?.healthy === true),
    requests: hosts.reduce((sum, host) => sum + (host?.requestsTotal ?? 0), 0),
  };
}

/** Share of unmarked requests; NaN while proxies differ about it: a mean would be a weight that none of them has. */
function weightOf(
  at: EnvironmentOfService,
  armId: string,
  { routes }: ServiceState,
  look: Look | undefined,
): number {
  if (at.environment !== 'production') return 0;
  if (look === undefined) return routes.weights.some((one) => one.armId === armId) ? NaN : 0;
  const host = (at.service.placement.production.hosts ?? at.service.hosts)[0] ?? '';
  const shares = look.seen.map(({ traffic }) => {
    const treatment = traffic.requests[host];
    return treatment === undefined || 'status' in treatment
      ? 0
      : (treatment.shares[`${at.service.name}/${armId}`] ?? 0);
  });
  const [first = 0] = shares;
  return shares.every((share) => share === first) ? first : NaN;
}

/** So that it is removed like any arm; it runs nothing that is known. */
function observeLeftover(
  at: EnvironmentOfService,
  { id, identity, pods, record, unreadable }: FoundArm,
  state: ServiceState,
  look: Look | undefined,
): readonly ArmObservation[] {
  if (identity === undefined || unreadable) return [];
  return [
    {
      arm: {
        id,
        service: identity.service,
        environment: identity.environment,
        role: identity.role,
        buildDigest: record?.build.digest ?? '',
        configurationHash: record?.hash ?? '',
        nodes: pods.filter((pod) => isReady(pod)).map((pod) => nodeOf(at, pod)),
      },
      weight: weightOf(at, id, state, look),
      leftover: true,
      nodes: pods.map((pod) => ({
        name: pod.metadata.name,
        healthyInProxy: false,
        requestsTotal: 0,
      })),
    },
  ];
}
