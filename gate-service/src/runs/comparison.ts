/** One comparison of two arms: sent, watched, looked at, read back from the stored samples. */
import { randomUUID } from 'node:crypto';
import type { Measurement, MeasurementEnd } from '../load/sample.ts';
import type { SenderResult } from '../load/sender.ts';
import { PlatformError, type ArmObservation } from '../platforms/platform.ts';
import { measureCapacity } from './capacity.ts';
import { asError } from './clock.ts';
import type { Comparison, ComparisonRequest } from './compared.ts';
import { InvalidAttempt } from './compared.ts';
import { ComparisonWatch } from './comparison-watch.ts';
import type { CpuSource } from './cpu-source.ts';
import { cpuFromAgents, cpuFromMachine } from './cpu-source.ts';
import { integrityProblems } from './integrity.ts';
import { ownPids, planOf } from './measurement-plan.ts';
import type { MeasurementRecord } from './records.ts';
import type { RunContext } from './run-context.ts';
import { measurementOf } from './stored-measurement.ts';

/** The sender waits a little longer than that for the delay of the planted block. */
const PLANT_MS = 25_000;

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
  await route(context, request, context.profile.planted.delayMs);
  const before = await world.observe(context.service.name, 'staging');
  const file = await sampleFiles.place(context.run.id, attempt);
  const plan = planOf(context, request, attempt, await ownPids(context, before));
  const cpuSource = cpuSourceOf(context, request, before);
  const watch = new ComparisonWatch(context, request, cpuSource, (delayMs) =>
    route(context, request, delayMs, PLANT_MS),
  );
  const startedAt = context.now();
  let result: SenderResult;
  try {
    result = await sender.measure(plan, file.absolute, watch, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    await watch.settled();
    // A sender in the same namespace ends before anybody has looked at the arms again.
    await watch.look().catch(() => undefined);
    if (watch.armsGone) await requireArms(context, request, error);
    const { burst } = watch;
    throw new InvalidAttempt(`the sender failed: ${asError(error).message}`, {
      cause: error,
      burst,
    });
  } finally {
    await watch.settled();
    await cpuSource.close();
  }
  context.signal.throwIfAborted();
  if (watch.armsGone) await requireArms(context, request);
  const after = await world.observe(context.service.name, 'staging');
  let stored: Measurement;
  try {
    stored = await sampleFiles.read(file.relative);
  } catch (error) {
    throw new InvalidAttempt(`the stored samples cannot be read: ${asError(error).message}`, {
      cause: error,
      burst: watch.burst,
    });
  }
  const problems = [
    ...endProblems(result.ended, watch, request.windows),
    ...integrityProblems(request.arms, before, after, stored.samples),
  ];
  const capacityByBlock =
    problems.length > 0 || watch.stopRequested() ? undefined : await capacityOf(context, request);
  const cpu = watch.cpu.total;
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
    windowsMeasured: watch.measured,
    windowsCounted: watch.counted,
    ...(watch.stoppedAt === undefined ? {} : { stoppedAt: watch.stoppedAt }),
    windowSeconds: plan.windowSeconds,
    pairsPerSecond: plan.pairsPerSecond,
    seed: context.run.settings.seed,
    steady: result.steady,
    counters: result.counters,
    ...(watch.latenessP99Us === undefined ? {} : { latenessP99Us: watch.latenessP99Us }),
    ...(watch.plantedMs === undefined ? {} : { plantedDelayUs: watch.plantedMs * 1000 }),
    ...(cpu === undefined ? {} : { cpuSeconds: cpu }),
    cpuSecondsByWindow: watch.cpu.byWindow,
    hops: watch.hops(after),
    ...(capacityByBlock === undefined ? {} : { capacityByBlock }),
  };
  await store.saveMeasurement(record);
  const { burst } = watch;
  if (problems.length > 0) throw new InvalidAttempt(problems.join('; '), { burst });
  const observations = [before, ...watch.observations, after];
  return {
    record,
    measurement: measurementOf(record, stored),
    observations,
    ...(burst === undefined ? {} : { burst }),
  };
}

/**
 * Where arms were seen to be gone: the platform says best why, and measuring once more would not bring them back.
 * @param failure of the measurement; thrown where it is the platform's already
 * @throws PlatformError unless they are there again
 */
async function requireArms(
  context: RunContext,
  request: ComparisonRequest,
  failure?: unknown,
): Promise<void> {
  if (failure instanceof PlatformError) throw failure;
  await route(context, request, context.profile.planted.delayMs);
}

/** A generator that gives up leaves the threshold without evidence: `invalid`, never met. */
async function capacityOf(
  context: RunContext,
  { arms, baseline, capacity }: ComparisonRequest,
): Promise<MeasurementRecord['capacityByBlock']> {
  if (capacity === undefined) return undefined;
  // Without a baseline both names lead to the candidate: one of them is enough.
  const measured = baseline ? arms : arms.slice(1);
  try {
    return await measureCapacity(context, measured, capacity.connections);
  } catch (error) {
    context.signal.throwIfAborted();
    await context.tell('problem', `capacity could not be measured: ${asError(error).message}`);
    return undefined;
  }
}

function cpuSourceOf(
  { deps, service }: RunContext,
  { arms }: ComparisonRequest,
  before: readonly ArmObservation[],
): CpuSource {
  return deps.machine === undefined
    ? cpuFromAgents(() => deps.world.observe(service.name, 'staging'), arms, before)
    : cpuFromMachine(deps.machine, arms, before);
}

/** Seen in the proxy when it resolves. */
async function route(
  context: RunContext,
  request: ComparisonRequest,
  delayMs: number,
  mostMs?: number,
): Promise<void> {
  await context.deps.world.routeMeasurement(
    {
      service: context.service.name,
      arms: request.arms.map(({ name, arm }) => ({ headerValue: name, armId: arm.id })),
      ...(request.planted === undefined
        ? {}
        : { planted: { headerValue: request.arms[0].name, delayMs } }),
    },
    context.owner,
    mostMs === undefined
      ? context.signal
      : AbortSignal.any([context.signal, AbortSignal.timeout(mostMs)]),
  );
}

/** Windows must be missing for one reason only: that the judge knew enough. */
function endProblems(
  ended: MeasurementEnd | undefined,
  watch: ComparisonWatch,
  planned: number,
): readonly string[] {
  if (watch.armsGone) return ['an arm that is compared had no node for a while'];
  const whole = watch.stopRequested() || watch.measured >= planned;
  if (!whole) return [`only ${watch.measured} of ${planned} windows were sent`];
  return ended === undefined || ended === 'planned' || ended === 'stopped'
    ? []
    : [`the sending ended early (${ended})`];
}
