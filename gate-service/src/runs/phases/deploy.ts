/** `deploying`: baseline and candidate, fresh and alike, in staging. */
import type { Arm } from '../../platforms/platform.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import { RunEnding } from '../endings.ts';
import { describe } from '../production.ts';
import type { BuildAndConfiguration } from '../records.ts';
import type { RunContext } from '../run-context.ts';
import { clearStaging } from '../staging.ts';
import { warmArms } from './warm.ts';

export interface StagedArms {
  /** Absent for a service without production: then only absolute limits are judged. */
  readonly baseline?: Arm;
  readonly candidate: Arm;
  /** Configuration that both have. */
  readonly incumbent: StackConfiguration;
}

/** Both arms are up when it resolves, and have had the same few requests as far as there was time for them. */
export async function deployArms(context: RunContext): Promise<StagedArms> {
  const arms = await startArms(context);
  const { baseline, candidate } = arms;
  await warmArms(context, baseline === undefined ? [candidate] : [baseline, candidate]);
  return arms;
}

async function startArms(context: RunContext): Promise<StagedArms> {
  const { clock, configurations, promotions, store, world } = context.deps;
  const { run, service } = context;
  const left = await clearStaging(world, clock, context.owner);
  if (left.length > 0) {
    await context.tell(
      'problem',
      `arms of an earlier run were left in staging and are removed: ${left.join(', ')}`,
    );
  }
  await promotions.settle(context.owner);
  const { inForce } = await store.serviceState(service.name);
  const values =
    inForce === undefined ? undefined : await store.configurationValues(inForce.configurationHash);
  if (inForce !== undefined && values === undefined) {
    throw new RunEnding(
      'platform-failed',
      `the configuration in force, ${inForce.configurationHash}, is not stored: promote a known one first`,
    );
  }
  const incumbent = values === undefined ? configurations.stock() : configurations.parse(values);
  await store.saveConfiguration(incumbent.hash, incumbent.values);
  const baseline = await baselineOf(context, incumbent.hash);
  if (baseline === undefined) {
    await context.update({ configuration: { hash: incumbent.hash, adopted: false } });
    await context.tell(
      'progress',
      `${service.name} has no production build yet: the candidate is measured alone, on the stock configuration`,
    );
    return { candidate: await deploy(context, 'candidate', run.build, incumbent), incumbent };
  }
  await context.update({
    baseline,
    configuration: { hash: incumbent.hash, adopted: false },
  });
  const kind = run.settings.against === 'reference' ? 'the reference, ' : '';
  await context.tell('progress', `baseline: ${kind}${describe(baseline)}`);
  // Which arm starts first is drawn, so that its place on the machine does not always favour the same one.
  if (run.settings.seed % 2 === 0) {
    const first = await deploy(context, 'baseline', baseline.build, incumbent);
    return {
      baseline: first,
      candidate: await deploy(context, 'candidate', run.build, incumbent),
      incumbent,
    };
  }
  const candidate = await deploy(context, 'candidate', run.build, incumbent);
  return {
    baseline: await deploy(context, 'baseline', baseline.build, incumbent),
    candidate,
    incumbent,
  };
}

/**
 * What the candidate is compared with: what production runs, or the reference release. Both arms have
 * the configuration in force, so that only the code differs.
 */
async function baselineOf(
  { deps, run, service }: RunContext,
  configurationHash: string,
): Promise<BuildAndConfiguration | undefined> {
  if (run.settings.against === 'production') {
    const { inForce } = await deps.store.serviceState(service.name);
    return inForce === undefined ? undefined : { build: inForce.build, configurationHash };
  }
  const reference = await deps.store.reference(service.name);
  if (reference === undefined) {
    throw new RunEnding('platform-failed', `${service.name} has no reference release any more`);
  }
  return { build: reference.build, configurationHash };
}

/** One arm of the run in staging. */
export async function deploy(
  context: RunContext,
  role: 'baseline' | 'candidate' | 'challenger',
  digest: string,
  configuration: StackConfiguration,
): Promise<Arm> {
  const { service } = context;
  const build = await context.deps.store.build(digest);
  if (build === undefined) {
    throw new RunEnding(
      'platform-failed',
      `build ${digest} (${role}) is not stored any more: upload it again`,
    );
  }
  context.signal.throwIfAborted();
  const startedAt = context.deps.clock.now();
  const arm = await context.deps.world.deploy(
    {
      service,
      environment: 'staging',
      role,
      build: { digest: build.digest, location: build.location },
      configuration,
      nodes: service.nodes.staging,
    },
    context.owner,
    context.signal,
  );
  const seconds = (context.deps.clock.now() - startedAt) / 1000;
  await context.tell(
    'progress',
    `${role} is up: ${arm.nodes.length} nodes in ${seconds.toFixed(1)} s`,
    {
      armId: arm.id,
      role,
      nodes: arm.nodes.map((node) => node.name),
    },
  );
  return arm;
}
