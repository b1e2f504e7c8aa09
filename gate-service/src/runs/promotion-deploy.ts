/** New production nodes: deployed, seen to run what was asked for, and warm before they get traffic. */
import type { Arm } from '../platforms/platform.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import type { Configurations, Warmer } from './ports.ts';
import { describe } from './production.ts';
import type { PromotionHandle, PromotionHandleDependencies } from './promotion-handle.ts';
import { PromotionReturned } from './promotion-steps.ts';
import type { World } from './world.ts';

export interface DeployDependencies extends PromotionHandleDependencies {
  readonly world: World;
  readonly warmer: Warmer;
  readonly configurations: Configurations;
  /** @throws when the service is not in the catalogue */
  readonly catalogue: (service: string) => CatalogueService;
}

/** Nodes that fail more than this share of their warm-up do not serve. */
const WARM_UP_FAILURE_SHARE = 0.5;

/**
 * @throws PromotionReturned when they fail their warm-up; PlatformError
 */
export async function deployAndWarm(
  deps: DeployDependencies,
  handle: PromotionHandle,
  role: 'canary' | 'current',
  signal: AbortSignal,
): Promise<Arm> {
  const { configurations, store, warmer, world } = deps;
  const { record } = handle;
  const service = deps.catalogue(record.service);
  const build = await store.build(record.build);
  if (build === undefined) {
    throw new Error(`build ${record.build} is not stored any more: upload it again`);
  }
  const values = await store.configurationValues(record.configurationHash);
  if (values === undefined)
    throw new Error(`configuration ${record.configurationHash} is not stored`);
  await handle.update({ stage: 'deploying' });
  await handle.tell(`new production nodes start: ${describe(record)}`);
  const arm = await world.deploy(
    {
      service,
      environment: 'production',
      role,
      build: { digest: build.digest, location: build.location },
      configuration: configurations.parse(values),
      nodes: service.nodes.production,
    },
    handle.owner,
    signal,
  );
  await handle.update({ stage: 'warming', canaryArmId: arm.id });
  const warmed = await warmer.warm(arm, { service, workload: service.workload }, signal);
  if (warmed.failed > warmed.sent * WARM_UP_FAILURE_SHARE) {
    throw new PromotionReturned(
      `the new nodes failed ${warmed.failed} of ${warmed.sent} warm-up requests`,
    );
  }
  await handle.tell(`new production nodes are warm: ${warmed.sent} requests replayed`);
  return arm;
}
