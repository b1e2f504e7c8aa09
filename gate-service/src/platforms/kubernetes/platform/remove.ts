/** Taking an arm away, make before break reversed: routes, then the subset, then its pods, drained. */
import { PlatformError } from '../../platform.ts';
import { removeArm } from '../arms/remove.ts';
import { DEPLOYMENT } from '../client/kinds.ts';
import { requirePlace, storeRecord, type KubernetesContext } from './context.ts';
import type { EnvironmentOfService } from './environment-of-service.ts';
import { observe } from './observe.ts';
import { withoutArm } from './routes.ts';
import { primaryRuns } from './primary.ts';

/** See `Platform.remove`. Stopped in the middle, it is taken up again by the next call or start. */
export async function remove(
  context: KubernetesContext,
  armId: string,
  signal: AbortSignal,
): Promise<void> {
  const at = await requirePlace(context, armId, signal);
  if (at.environment === 'production') await requireUnweighted(context, at, armId);
  await dismantle(context, at, armId, signal);
}

/** The same without looking at its weight. */
export async function dismantle(
  context: KubernetesContext,
  at: EnvironmentOfService,
  armId: string,
  signal: AbortSignal,
): Promise<void> {
  const { arms, routes } = await at.state(signal);
  const arm = arms.find(({ identity }) => identity.id === armId);
  const retired = arm?.record.primary === true && (await primaryRuns(at, signal)) === armId;
  if (arm !== undefined) {
    await storeRecord(at, arm, { ...arm.record, removing: true, retired }, signal);
  }
  const routed = [...routes.arms, ...routes.weights].some((one) => one.armId === armId);
  if (arm !== undefined || routed) {
    await at.change((all) => withoutArm(all, armId), { pods: 'some', signal });
  }
  if (retired) {
    // Without its record and token those pods would not come up again after a restart.
    await at.client.delete({ kind: DEPLOYMENT, namespace: at.namespace, name: armId }, { signal });
    context.log(
      `arm ${armId} is out of the mesh; its pods in Deployment ${at.service.placement.deployment} go when that takes the next arm`,
    );
    return;
  }
  // Its pods drain as they end: no proxy knows them any more, and what is in flight finishes.
  await removeArm(at.client, { id: armId, namespace: at.namespace }, signal);
  context.log(`arm ${armId} is removed`);
}

async function requireUnweighted(
  context: KubernetesContext,
  at: EnvironmentOfService,
  armId: string,
): Promise<void> {
  const observed = await observe(context, at.service.name, 'production');
  const { routes } = await at.state();
  const seen = observed.find(({ arm }) => arm.id === armId)?.weight ?? 0;
  const written = routes.weights.find((one) => one.armId === armId)?.weight ?? 0;
  const weight = Number.isNaN(seen) ? written : Math.max(seen, written);
  if (weight === 0 && !Number.isNaN(seen)) return;
  throw new PlatformError(
    'refused',
    Number.isNaN(seen)
      ? `What carries production cannot be seen in the proxies now, so that arm ${armId} is not removed.`
      : `Arm ${armId} carries ${weight} % of production; route its traffic elsewhere before it is removed.`,
  );
}
