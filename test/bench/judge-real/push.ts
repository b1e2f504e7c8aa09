/** One push: fresh nodes for both arms, one measurement as a run takes it, all removed again. */
import path from 'node:path';
import { unfitReason } from '../../../gate-service/src/judge/fitness.ts';
import { ChildSender } from '../../../gate-service/src/load/child-sender.ts';
import { readSampleFile } from '../../../gate-service/src/load/sample-file.ts';
import type { MeasurementPlan, SenderListener } from '../../../gate-service/src/load/sender.ts';
import { ARM_HEADER, PLANTED_HEADER } from '../../../gate-service/src/mesh/plan.ts';
import type {
  Arm,
  ArmObservation,
  BuildReference,
} from '../../../gate-service/src/platforms/platform.ts';
import { replacementsFor } from '../../../gate-service/src/runs/compared.ts';
import { integrityProblems } from '../../../gate-service/src/runs/integrity.ts';
import { profiles } from '../../../gate-service/src/runs/profile.ts';
import type { CatalogueService } from '../../../gate-service/src/settings/catalogue.ts';
import { stockConfiguration } from '../../../gate-service/src/stack/stock.ts';
import type { World } from '../swap/world.ts';
import type { PushRecord } from './record.ts';

/** Warm-up and control of a push are those of a quick run. */
export const { warmup, planted } = profiles.quick;

export interface PushPlan {
  readonly push: number;
  readonly build: PushRecord['build'];
  readonly seed: number;
  readonly windows: number;
  readonly windowSeconds: number;
  /** Pairs of requests per second. */
  readonly rate: number;
}

export interface PushContext {
  readonly world: World;
  readonly service: CatalogueService;
  readonly builds: Readonly<Record<'baseline' | 'candidate', BuildReference>>;
  /** Where the sample file goes. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS = 256;

/**
 * What goes wrong with a push is written down with it and does not end the bench.
 * @throws the reason of `signal`, and what hinders the nodes from being removed
 */
export async function makePush(plan: PushPlan, context: PushContext): Promise<PushRecord> {
  const { signal, world } = context;
  const started = Date.now();
  const arms: Arm[] = [];
  const file = `push-${String(plan.push).padStart(3, '0')}.csv.gz`;
  let outcome: Pick<PushRecord, 'file' | 'problems'>;
  try {
    outcome = {
      file,
      problems: await measure(plan, context, path.join(context.folder, file), arms),
    };
  } catch (error) {
    outcome = { problems: [error instanceof Error ? error.message : String(error)] };
  } finally {
    // A signal ends the whole platform with all its nodes; there is no need to take them out one by one.
    if (!signal.aborted) for (const arm of arms) await world.platform.remove(arm.id, signal);
  }
  signal.throwIfAborted();
  return {
    push: plan.push,
    build: plan.build,
    seed: plan.seed,
    startedAt: new Date(started).toISOString(),
    seconds: (Date.now() - started) / 1000,
    ...outcome,
  };
}

/** Answers what is wrong with the measurement, blind to the effect. `arms` gets what was deployed, also when this throws. */
async function measure(
  plan: PushPlan,
  context: PushContext,
  file: string,
  arms: Arm[],
): Promise<string[]> {
  const { service, signal, world } = context;
  const { platform } = world;
  const deployed = async (role: 'baseline' | 'candidate'): Promise<Arm> => {
    const arm = await platform.deploy(
      {
        service,
        environment: 'staging',
        role,
        build: context.builds[role],
        configuration: stockConfiguration(world.resources),
        nodes: service.nodes.staging,
      },
      signal,
    );
    arms.push(arm);
    return arm;
  };
  // As runs do: which arm starts first is drawn, so that its place on the machine favours neither.
  const baselineFirst = plan.seed % 2 === 0;
  const first = await deployed(baselineFirst ? 'baseline' : 'candidate');
  const second = await deployed(baselineFirst ? 'candidate' : 'baseline');
  const [baseline, candidate] = baselineFirst ? [first, second] : [second, first];
  await platform.routeMeasurement(
    {
      service: service.name,
      arms: [
        { headerValue: 'baseline', armId: baseline.id },
        { headerValue: 'candidate', armId: candidate.id },
      ],
      planted: { headerValue: 'baseline', delayMs: planted.delayMs },
    },
    signal,
  );
  const before = await platform.observe(service.name, 'staging');
  const ownPids = [...platform.processes(), ...componentPids(before)];
  const senderPlan = senderPlanOf(plan, context, ownPids);
  await new ChildSender().measure(senderPlan, file, replacingSpoilt(senderPlan), signal);
  const after = await platform.observe(service.name, 'staging');
  const { samples } = await readSampleFile(file);
  return [
    ...integrityProblems(
      [
        { name: 'baseline', arm: baseline, ...identityOf(baseline) },
        { name: 'candidate', arm: candidate, ...identityOf(candidate) },
      ],
      before,
      after,
      samples,
    ),
  ];
}

function senderPlanOf(
  { rate, seed, windows, windowSeconds }: PushPlan,
  { service, world }: PushContext,
  ownPids: readonly number[],
): MeasurementPlan {
  const { workload } = service;
  const replacements = replacementsFor(windows);
  const baseline = { [ARM_HEADER]: 'baseline' };
  return {
    target: world.platform.entryPoint('staging'),
    authority: service.hosts[0] ?? service.name,
    arms: [
      { name: 'baseline', headers: baseline },
      { name: 'candidate', headers: { [ARM_HEADER]: 'candidate' } },
    ],
    planted: {
      name: 'planted',
      headers: { ...baseline, [PLANTED_HEADER]: '1' },
      windows: planted.windows,
      delayMs: planted.delayMs,
    },
    workload,
    pairsPerSecond: rate,
    arrivals: workload.arrivals,
    windowSeconds,
    windows,
    replacements,
    warmup,
    limits: {
      connections: CONNECTIONS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      maxSeconds:
        warmup.maxSeconds + (windows + replacements + planted.windows) * windowSeconds + 60,
    },
    freshConnections: workload.freshConnections,
    ownPids,
    seed,
  };
}

/** All windows are sent, so that the peers have them all: the judge's looks are taken afterwards. */
function replacingSpoilt({
  windows,
  replacements = 0,
}: MeasurementPlan): SenderListener & { stopRequested(): boolean } {
  let spoilt = 0;
  return {
    stopRequested: () => false,
    windowsWanted: () => windows + Math.min(spoilt, replacements),
    window: ({ fitness, window }) => {
      const counts = window >= 0 && window < windows + replacements;
      if (counts && unfitReason(fitness) !== undefined) spoilt += 1;
    },
  };
}

/** What the nodes' agents have started; the platform's own list does not hold it. */
function componentPids(observations: readonly ArmObservation[]): number[] {
  return observations
    .flatMap(({ nodes }) => nodes)
    .flatMap(({ status }) => [status?.httpd, status?.jetty])
    .flatMap((component) => (component === undefined ? [] : [component.usage.pid]));
}

function identityOf({ buildDigest, configurationHash }: Arm): {
  build: string;
  configurationHash: string;
} {
  return { build: buildDigest, configurationHash };
}
