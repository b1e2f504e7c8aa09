/** A node is back when requests reach it, not when its flags are clear. */
import { request } from 'node:http';
import { ARM_HEADER } from '../../mesh/plan.ts';
import { PlatformError } from '../platform.ts';
import type { MeshControl } from './mesh-control.ts';
import type { ArmState, NodeState, PlatformState } from './state.ts';
import { waitUntil } from '../wait-until.ts';

const BACK_MS = 20_000;
const PROBES_PER_LOOK = 10;

export interface BackInRotationOptions {
  readonly mesh: MeshControl;
  readonly state: PlatformState;
  readonly arm: ArmState;
  readonly nodes: readonly NodeState[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until every node is healthy in the proxy and has got a request since: one of the traffic,
 * or one of our own on the health path. Nodes of an arm that nothing is routed to are asked directly.
 * @throws PlatformError `node-not-ready`
 */
export async function untilBackInRotation({
  mesh,
  state,
  arm,
  nodes,
  signal,
}: BackInRotationOptions): Promise<void> {
  await mesh.untilHealthy(arm, nodes, signal);
  const before = await requestsByPort(mesh, arm);
  const probe = probeOf(state, arm);
  let missing: readonly NodeState[] = nodes;
  const back = await waitUntil(
    async () => {
      if (probe === undefined) {
        const direct = await Promise.all(missing.map((node) => answers(node.ports.httpd, arm)));
        missing = missing.filter((_, index) => direct[index] !== true);
      } else {
        for (let i = 0; i < PROBES_PER_LOOK; i += 1) await probe();
        const now = await requestsByPort(mesh, arm);
        missing = missing.filter(
          ({ ports }) => (now.get(ports.httpd) ?? 0) === (before.get(ports.httpd) ?? 0),
        );
      }
      return missing.length === 0 ? true : undefined;
    },
    { timeoutMs: BACK_MS, signal },
  );
  if (back === true) return;
  throw new PlatformError(
    'node-not-ready',
    `No request reached ${missing.map((node) => node.name).join(', ')} within ${BACK_MS / 1000} s after it was put back into rotation.`,
  );
}

/** Whether a node's own httpd answers the health path below 400. */
export async function answers(port: number, arm: ArmState): Promise<boolean> {
  const answer = await ask(port, arm, {});
  return answer !== undefined && answer < 400;
}

async function requestsByPort(
  mesh: MeshControl,
  arm: ArmState,
): Promise<ReadonlyMap<number, number>> {
  const hosts = await mesh.hosts(arm);
  return new Map(hosts.map((host) => [host.port, host.requestsTotal]));
}

/** A request that the proxy may send to the arm, or `undefined` when nothing is routed to it. */
function probeOf(state: PlatformState, arm: ArmState): (() => Promise<unknown>) | undefined {
  const { listener } = state.ports[arm.environment];
  const service = arm.service.name;
  if (arm.environment === 'production') {
    const weighted = (state.production[service] ?? []).some(({ armId }) => armId === arm.id);
    return weighted ? () => ask(listener, arm, {}) : undefined;
  }
  const route = state.measurement[service]?.arms.find(({ armId }) => armId === arm.id);
  if (route === undefined) return undefined;
  return () => ask(listener, arm, { [ARM_HEADER]: route.headerValue });
}

function ask(
  port: number,
  { service }: ArmState,
  headers: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path: service.healthPath,
        headers: { host: service.hosts[0] ?? 'localhost', ...headers },
        agent: false,
        timeout: 3000,
      },
      (response) => {
        response.resume();
        response.on('end', () => {
          resolve(response.statusCode);
        });
        response.on('error', () => {
          resolve(undefined);
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => {
      resolve(undefined);
    });
    outgoing.end();
  });
}
