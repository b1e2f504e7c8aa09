/** Where requests go: to arms by header in staging, by weight in production. Subsets before routes. */
import { PlatformError, type MeasurementRouting, type ProductionRouting } from '../../platform.ts';
import { requirePlantedArm, requireWeights } from '../../routing-rules.ts';
import { waitUntil } from '../../wait-until.ts';
import { whyNothingCanBeMade } from './checks.ts';
import { environmentOf, type KubernetesContext } from './context.ts';
import {
  inRotation,
  type EnvironmentOfService,
  type PresentArm,
} from './environment-of-service.ts';
import type { Routes } from './routes.ts';

/** A pod that was just killed is replaced; an arm without any may be back in a moment. */
const SERVES_MS = 15_000;

/** See `Platform.routeMeasurement`. */
export async function routeMeasurement(
  context: KubernetesContext,
  routing: MeasurementRouting,
  signal: AbortSignal,
): Promise<void> {
  requirePlantedArm(routing);
  const { arms, planted, service } = routing;
  const at = environmentOf(context, service, 'staging');
  const ids = arms.map(({ armId }) => armId);
  await untilServing(
    at,
    ids,
    signal,
    ({ record, ...arm }) => inRotation(arm).length >= record.nodes,
  );
  await at.change(
    () => ({
      weights: [],
      arms: arms.map(({ armId, headerValue }) => ({
        headerValue,
        armId,
        ...(planted?.headerValue === headerValue && { plantedDelayMs: planted.delayMs }),
      })),
    }),
    { pods: 'every', signal },
  );
}

/** See `Platform.routeProduction`. @param back see `MeshWriter.goBack` */
export async function routeProduction(
  context: KubernetesContext,
  routing: ProductionRouting,
  signal: AbortSignal,
  back = false,
): Promise<void> {
  requireWeights(routing);
  const { service, weights } = routing;
  const at = environmentOf(context, service, 'production');
  const fed = weights.filter(({ weight }) => weight > 0);
  const { routes } = await at.state(signal);
  // Traffic is taken from an arm without any pod just so: nothing is worse than what it does with it.
  const rising = fed.filter(({ armId, weight }) => weight > weightIn(routes, armId));
  const mustServe = new Set(rising.map(({ armId }) => armId));
  const ids = fed.map(({ armId }) => armId);
  // One pod is enough: going back must not wait for a dead one.
  const serves = (arm: PresentArm): boolean => inRotation(arm).length > 0;
  await untilServing(at, ids, signal, (arm) => !mustServe.has(arm.identity.id) || serves(arm));
  await at.change(() => ({ arms: [], weights: fed }), { pods: 'some', signal, back });
}

function weightIn({ weights }: Routes, armId: string): number {
  return weights.find((one) => one.armId === armId)?.weight ?? 0;
}

/** @throws PlatformError `refused` for an arm that is not here, `node-not-ready` */
async function untilServing(
  at: EnvironmentOfService,
  armIds: readonly string[],
  signal: AbortSignal,
  serves: (arm: PresentArm) => boolean,
): Promise<void> {
  let missing: readonly string[] = [];
  const serving = await waitUntil(
    async () => {
      const { arms } = await at.state(signal);
      const asked = armIds.map((id) => requireRoutable(at, arms, id));
      missing = asked.filter((arm) => !serves(arm)).map(({ identity }) => identity.id);
      return missing.length === 0 ? true : undefined;
    },
    { timeoutMs: SERVES_MS, everyMs: 250, signal },
  );
  if (serving === true) return;
  const why = await whyNothingCanBeMade(at);
  throw new PlatformError(
    'node-not-ready',
    `Arm ${missing.join(' and ')} has not enough ready pods in rotation after ${SERVES_MS / 1000} s; nothing was routed.${why === '' ? '' : ` ${why}`} See \`kubectl -n ${at.namespace} get pods -l speed-gate.dev/arm=${missing[0] ?? ''}\`.`,
  );
}

function requireRoutable(
  { environment, namespace, service }: EnvironmentOfService,
  arms: readonly PresentArm[],
  armId: string,
): PresentArm {
  const arm = arms.find(({ identity }) => identity.id === armId);
  if (arm !== undefined) return arm;
  const known = arms.map(({ identity }) => identity.id).join(', ') || 'none';
  throw new PlatformError(
    'refused',
    `There is no arm ${armId} of ${service.name} in ${environment} (namespace ${namespace}) that could be routed to; there are: ${known}. If it was there before, somebody has deleted it, or the whole namespace: the audit log of the API server tells who.`,
  );
}
