/** Where requests go: to arms by header in staging, by weight in production. Subsets before routes. */
import type { Environment } from '../../mesh/plan.ts';
import { PlatformError, type MeasurementRouting, type ProductionRouting } from '../platform.ts';
import { presentNodes, requireArm, type PlatformContext } from './context.ts';
import type { ArmState } from './state.ts';
import { requirePlantedArm, requireWeights } from '../routing-rules.ts';
import { waitUntil } from '../wait-until.ts';

const HEALTHY_MS = 15_000;

/** See `Platform.routeMeasurement`. */
export async function routeMeasurement(
  context: PlatformContext,
  routing: MeasurementRouting,
  signal: AbortSignal,
): Promise<void> {
  requirePlantedArm(routing);
  const { service, arms, planted } = routing;
  for (const { armId } of arms) {
    const arm = requireRoutable(context, armId, service, 'staging');
    await context.mesh.untilHealthy(arm, presentNodes(arm), signal);
  }
  await context.mesh.change('staging', (draft) => {
    if (arms.length === 0) {
      Reflect.deleteProperty(draft.measurement, service);
      return;
    }
    draft.measurement[service] = {
      arms: arms.map(({ headerValue, armId }) => ({ headerValue, armId })),
      ...(planted && { planted: { ...planted } }),
    };
  });
}

/** See `Platform.routeProduction`. */
export async function routeProduction(
  context: PlatformContext,
  routing: ProductionRouting,
  signal: AbortSignal,
): Promise<void> {
  requireWeights(routing);
  const { service, weights } = routing;
  for (const { armId, weight } of weights) {
    const arm = requireRoutable(context, armId, service, 'production');
    if (weight > 0) await untilSomeoneServes(context, arm, signal);
  }
  await context.mesh.change('production', (draft) => {
    draft.production[service] = weights
      .filter(({ weight }) => weight > 0)
      .map(({ armId, weight }) => ({ armId, weight }));
  });
}

function requireRoutable(
  context: PlatformContext,
  armId: string,
  service: string,
  environment: Environment,
): ArmState {
  const arm = requireArm(context, armId);
  if (arm.environment === environment && arm.service.name === service && arm.phase === 'present') {
    return arm;
  }
  throw new PlatformError(
    'refused',
    `Arm ${armId} (${arm.service.name}, ${arm.environment}, ${arm.phase}) cannot be routed for ${service} in ${environment}.`,
  );
}

/** One healthy node is enough: going back must not wait for a dead one. */
async function untilSomeoneServes(
  { mesh }: PlatformContext,
  arm: ArmState,
  signal: AbortSignal,
): Promise<void> {
  const healthy = await waitUntil(
    async () => ((await mesh.hosts(arm)).some((host) => host.healthy) ? true : undefined),
    { timeoutMs: HEALTHY_MS, signal },
  );
  if (healthy === true) return;
  throw new PlatformError(
    'node-not-ready',
    `No node of arm ${arm.id} is healthy in the proxy; production was not routed to it.`,
  );
}
