/** One node's part of a swap: told through its agent, out of rotation where that is needed. */
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { SwapWay } from '../../stack/swap-plan.ts';
import { configureAgent } from '../configure-agent.ts';
import { PlatformError } from '../platform.ts';
import { answers, untilBackInRotation } from './back-in-rotation.ts';
import { presentNodes, requireArm, type PlatformContext } from './context.ts';
import type { NodeState } from './state.ts';
import { waitUntil } from '../wait-until.ts';

const SERVES_MS = 15_000;
/** Nothing is in flight on a drained node: children of the former generation end within seconds. */
const FORMER_CHILDREN_MS = 20_000;

/**
 * Puts a configuration in force on a node where it is.
 * @throws ReplaceRequiredError, or PlatformError `swap-failed` / `invalid-configuration` in the agent's words
 */
export function configureInPlace(
  { fleet }: PlatformContext,
  node: NodeState,
  to: StackConfiguration,
  signal?: AbortSignal,
): Promise<SwapWay> {
  return configureAgent(fleet.client(node), node.name, to, signal);
}

/**
 * The same out of rotation: draining in the proxy, nothing in flight, swapped, asked directly, and
 * back only when requests reach it again. Another node must be there to take the traffic.
 */
export async function configureDrained(
  context: PlatformContext,
  armId: string,
  node: NodeState,
  to: StackConfiguration,
  signal?: AbortSignal,
): Promise<SwapWay> {
  const { mesh, state } = context;
  const arm = requireArm(context, armId);
  if (!(await mesh.drain(arm, [node], signal))) {
    throw new PlatformError(
      'swap-failed',
      `Node ${node.name} still had requests in flight long after it was taken out of rotation.`,
    );
  }
  const way = await configureInPlace(context, node, to, signal);
  const serves = await waitUntil(
    async () => ((await answers(node.ports.httpd, arm)) ? true : undefined),
    { timeoutMs: SERVES_MS, signal },
  );
  if (serves === undefined) {
    throw new PlatformError(
      'swap-failed',
      `Node ${node.name} does not answer ${arm.service.healthPath} below 400 after its swap.`,
    );
  }
  await untilFormerChildrenEnded(context, node, signal);
  await mesh.undrain(arm, [node]);
  await untilBackInRotation({ mesh, state: state.state, arm, nodes: [node], signal });
  return way;
}

/**
 * The proxy still has idle connections to children that httpd's graceful restart is ending; back in
 * rotation, it would write requests on them while they are closed, and lose those.
 */
async function untilFormerChildrenEnded(
  { fleet }: PlatformContext,
  node: NodeState,
  signal?: AbortSignal,
): Promise<void> {
  const ended = await waitUntil(
    async () => ((await fleet.status(node, signal))?.httpd?.stopping === 0 ? true : undefined),
    { timeoutMs: FORMER_CHILDREN_MS, signal },
  );
  if (ended === true) return;
  throw new PlatformError(
    'swap-failed',
    `Children of the former httpd of node ${node.name} have not ended ${FORMER_CHILDREN_MS / 1000} s after its graceful restart, though it is out of rotation.`,
  );
}

/** Whether other nodes of the arm can take this one's traffic now: present, in rotation, healthy in the proxy. */
export async function othersCanServe(
  context: PlatformContext,
  armId: string,
  node: NodeState,
): Promise<boolean> {
  const arm = requireArm(context, armId);
  const hosts = await context.mesh.hosts(arm);
  return presentNodes(arm).some(
    (other) =>
      other.name !== node.name &&
      !other.draining &&
      hosts.some((host) => host.port === other.ports.httpd && host.healthy),
  );
}
