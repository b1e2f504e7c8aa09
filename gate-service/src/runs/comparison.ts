/** One comparison of two arms: sent, watched, looked at, read back from the stored samples. */
import { randomUUID } from 'node:crypto';
import type { ArmName, Measurement, MeasurementEnd } from '../load/sample.ts';
import type { MeasurementPlan, SenderArm } from '../load/sender.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import { asError } from './clock.ts';
import { ComparisonWatch } from './comparison-watch.ts';
import { cpuSeconds, integrityProblems } from './integrity.ts';
import type { MeasurementPurpose, MeasurementRecord } from './records.ts';
import type { RunContext } from './run-context.ts';

export interface ComparisonRequest {
  readonly purpose: MeasurementPurpose;
  /** The first one is the reference. */
  readonly arms: readonly [ComparedArm, ComparedArm];
  readonly windows: number;
  readonly warmup: MeasurementPlan['warmup'];
  /** The positive control at the end. */
  readonly planted: boolean;
  /** Whether the judge looks before the end and may stop early. */
  readonly sequential: boolean;
  /** False for a service without production. */
  readonly baseline: boolean;
}

export interface ComparedArm {
  readonly name: Exclude<ArmName, 'planted'>;
  readonly arm: Arm;
  readonly build: string;
  readonly configurationHash: string;
}

export interface Comparison {
  readonly record: MeasurementRecord;
  readonly measurement: Measurement;
  /** Staging as observed meanwhile, oldest first. */
  readonly observations: readonly (readonly ArmObservation[])[];
}

/** The attempt cannot be judged at all; decided without looking at the effect. */
export class InvalidAttempt extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InvalidAttempt';
  }
}

/** Longest time for a request before it counts as failed. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS = 512;

/**
 * Measures and stores. Everything the answer rests on has been read back from the stored file.
 * @throws InvalidAttempt when sender, file or nodes make it worthless; PlatformError from routing
 */
export async function compare(
  context: RunContext,
  attempt: number,
  request: ComparisonRequest,
): Promise<Comparison> {
  const { sampleFiles, sender, store, world } = context.deps;
  const [reference] = request.arms;
  const { settings } = context.run;
  const delayMs = context.profile.planted.delayMs;
  await world.routeMeasurement(
    {
      service: context.service.name,
      arms: request.arms.map(({ name, arm }) => ({ headerValue: name, armId: arm.id })),
      ...(request.planted ? { planted: { headerValue: reference.name, delayMs } } : {}),
    },
    context.owner,
    context.signal,
  );
  const before = await world.observe(context.service.name, 'staging');
  const file = await sampleFiles.place(context.run.id, attempt);
  const plan = planOf(context, request, attempt, await ownPids(context, before));
  const watch = new ComparisonWatch(context, request);
  const startedAt = context.now();
  let result: Awaited<ReturnType<typeof sender.measure>>;
  try {
    result = await sender.measure(plan, file.absolute, watch, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    throw new InvalidAttempt(`the sender failed: ${asError(error).message}`, { cause: error });
  } finally {
    await watch.settled();
  }
  context.signal.throwIfAborted();
  const after = await world.observe(context.service.name, 'staging');
  let stored: Measurement;
  try {
    stored = await sampleFiles.read(file.absolute);
  } catch (error) {
    throw new InvalidAttempt(`the stored samples cannot be read: ${asError(error).message}`, {
      cause: error,
    });
  }
  const problems = [...endProblems(result.ended, watch, request.windows)];
  const cpu = cpuSeconds(request.arms, watch.cpuFrom ?? before, watch.cpuTo);
  const record: MeasurementRecord = {
    id: randomUUID(),
    runId: context.run.id,
    attempt,
    purpose: request.purpose,
    file: file.relative,
    startedAt,
    endedAt: context.now(),
    arms: request.arms.map(({ name, arm, build, configurationHash }) => ({
      name,
      armId: arm.id,
      build,
      configurationHash,
    })),
    windowsPlanned: request.windows,
    windowsMeasured: watch.windows,
    windowSeconds: plan.windowSeconds,
    pairsPerSecond: plan.pairsPerSecond,
    seed: settings.seed,
    steady: result.steady,
    counters: result.counters,
    ...(request.planted ? { plantedDelayUs: delayMs * 1000 } : {}),
    ...(cpu === undefined ? {} : { cpuSeconds: cpu }),
  };
  await store.saveMeasurement(record);
  problems.push(...integrityProblems(request.arms, before, after, stored.samples));
  if (problems.length > 0) throw new InvalidAttempt(problems.join('; '));
  const observations = [before, ...watch.observations, after];
  return { record, measurement: measurementOf(record, stored), observations };
}

/** What the judge gets: the stored samples with the stored facts about them. Also the way to re-judging. */
export function measurementOf(record: MeasurementRecord, stored: Measurement): Measurement {
  return {
    ...stored,
    windowsPlanned: record.windowsPlanned,
    ...(record.plantedDelayUs === undefined ? {} : { plantedDelayUs: record.plantedDelayUs }),
    ...(record.cpuSeconds === undefined ? {} : { cpuSeconds: record.cpuSeconds }),
  };
}

/** Windows must be missing for one reason only: that the judge knew enough. */
function endProblems(
  ended: MeasurementEnd | undefined,
  watch: ComparisonWatch,
  planned: number,
): readonly string[] {
  const whole = watch.stopRequested() || watch.windows === planned;
  if (!whole) return [`only ${watch.windows} of ${planned} windows were sent`];
  return ended === undefined || ended === 'planned' || ended === 'stopped'
    ? []
    : [`the sending ended early (${ended})`];
}

/** Processes whose CPU is not foreign to the measurement. */
async function ownPids(
  context: RunContext,
  staging: readonly ArmObservation[],
): Promise<readonly number[]> {
  const { ownProcesses, world } = context.deps;
  const production = await world.observe(context.service.name, 'production');
  const nodes = [...staging, ...production].flatMap((observation) => observation.nodes);
  const components = nodes.flatMap(({ status }) => [status?.httpd, status?.jetty]);
  const pids = components.flatMap((component) =>
    component === undefined ? [] : [component.usage.pid],
  );
  return [...new Set([...pids, ...((await ownProcesses?.()) ?? [])])];
}

function planOf(
  context: RunContext,
  request: ComparisonRequest,
  attempt: number,
  pids: readonly number[],
): MeasurementPlan {
  const { profile, service } = context;
  const { headers } = context.deps;
  const { workload, seed } = context.run.settings;
  const [first, second] = request.arms.map(({ name }) => armOf(name, headers.arm)) as [
    SenderArm,
    SenderArm,
  ];
  const plannedSeconds =
    request.warmup.maxSeconds +
    (request.windows + (request.planted ? profile.planted.windows : 0)) * profile.windowSeconds;
  return {
    target: context.deps.world.platform.entryPoint('staging'),
    authority: service.hosts[0] ?? service.name,
    arms: [first, second],
    ...(request.planted
      ? {
          planted: {
            name: 'planted' as const,
            headers: { ...first.headers, [headers.planted]: '1' },
            windows: profile.planted.windows,
            delayMs: profile.planted.delayMs,
          },
        }
      : {}),
    workload,
    pairsPerSecond: workload.rate,
    arrivals: workload.arrivals,
    windowSeconds: profile.windowSeconds,
    windows: request.windows,
    warmup: request.warmup,
    limits: {
      connections: CONNECTIONS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      maxSeconds: plannedSeconds + 60,
    },
    freshConnections: workload.freshConnections,
    ownPids: pids,
    // Fresh data: every attempt has its own arrivals and pairing, all from the run's seed.
    seed: (seed + attempt) >>> 0,
  };
}

function armOf(name: ArmName, header: string): SenderArm {
  return { name, headers: { [header]: name } };
}
