/** Bringing up a new arm: its pods, found good by their agents, and then known to the proxies. */
import type { Arm, ArmRequest } from '../../platform.ts';
import { PlatformError } from '../../platform.ts';
import { messageOf, waitUntil } from '../../wait-until.ts';
import { deployArm, type DeployedArm } from '../arms/deploy.ts';
import { armOf } from '../arms/list.ts';
import type { Pod } from '../arms/pods.ts';
import { agentOf, environmentOf, type KubernetesContext } from './context.ts';
import type { EnvironmentOfService } from './environment-of-service.ts';

/** For the agent's word: readiness came through it, so that it is there. */
const VERIFIED_MS = 15_000;

/** See `Platform.deploy`: nothing is routed to the arm yet. */
export async function deploy(
  context: KubernetesContext,
  request: ArmRequest,
  signal: AbortSignal,
): Promise<Arm> {
  const at = environmentOf(context, request.service.name, request.environment);
  requireHosts(at);
  const { placement } = at.service;
  const mesh = { knowsIt: false };
  try {
    const made = await deployArm(at.client, placement, context.agentKey, request, signal, {
      templateReader: environmentOf(context, request.service.name, 'production').client,
      async verify(arm) {
        await Promise.all(arm.pods.map((pod) => verify(context, at, arm, pod, signal)));
        mesh.knowsIt = true;
        await at.change((routes) => routes, { pods: 'every', signal });
      },
    });
    context.log(
      `arm ${made.identity.id}: ${made.pods.length} pod(s) ready in ${request.environment}`,
    );
    return armOf(made, placement.ports.http);
  } catch (error) {
    if (mesh.knowsIt) await leave(context, at);
    throw error;
  }
}

/** The agent's word that the pod runs the build and configuration that were asked for. */
async function verify(
  context: KubernetesContext,
  at: EnvironmentOfService,
  { identity, record }: DeployedArm,
  pod: Pod,
  signal: AbortSignal,
): Promise<void> {
  const agent = agentOf(context, at, identity.id, pod);
  let last = '';
  const good = await waitUntil(
    async () => {
      try {
        const { buildDigest, configurationHash, health, reason } = await agent.status(signal);
        last =
          health !== 'ready'
            ? `it is ${health}: ${reason ?? 'no reason given'}`
            : buildDigest !== record.build.digest
              ? `it runs build ${buildDigest}, not ${record.build.digest}`
              : configurationHash !== record.hash
                ? `it has configuration ${configurationHash}, not ${record.hash}`
                : '';
      } catch (error) {
        last = messageOf(error);
      }
      return last === '' ? true : undefined;
    },
    { timeoutMs: VERIFIED_MS, everyMs: 250, signal },
  );
  if (good === true) return;
  const { agent: port } = at.service.placement.ports;
  throw new PlatformError(
    'node-not-ready',
    `Pod ${pod.metadata.name} is ready, but its agent (port ${port}) does not confirm what it runs: ${last}`,
  );
}

/** Its pods are removed: the proxies need not know it any more. */
async function leave(context: KubernetesContext, at: EnvironmentOfService): Promise<void> {
  try {
    await at.change((routes) => routes, { pods: 'some' });
  } catch (error) {
    context.log(
      `${at.service.name} in ${at.environment}: the subset of a failed arm goes with the next change: ${messageOf(error)}`,
    );
  }
}

function requireHosts({ environment, service }: EnvironmentOfService): void {
  const hosts = service.placement[environment].hosts ?? service.hosts;
  if (hosts.length > 0) return;
  throw new PlatformError('refused', `Service ${service.name} has no host to route by.`);
}
