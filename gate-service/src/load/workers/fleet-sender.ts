/** The sender as several workers, each a process of its own somewhere: one plan in, one measurement out. */
import {
  formatCounters,
  formatFitness,
  formatMetadata,
  formatSample,
  FORMAT,
  HEADER,
} from '../sample-format.ts';
import { openSampleWriter, type SampleWriter } from '../sample-file.ts';
import type { Sample } from '../sample.ts';
import type { MeasurementPlan, Sender, SenderListener, SenderResult } from '../sender.ts';
import { Coordinator, type FleetEnd } from './coordinator.ts';
import type { FleetOutput } from './fleet.ts';
import type { LaunchedFleet, WorkerLauncher } from './launcher.ts';
import { connectWorker, newToken, type WorkerLink } from './link.ts';
import type { MergedWindow } from './merge.ts';

/** From a worker's start to its first answer. */
const CONNECT_MS = 30_000;
/** For workers to come up, on top of the plan's own cap. */
const SPARE_SECONDS = 300;

export interface FleetSenderOptions {
  /** 1 to 64. More than the plan's connections are never started. */
  readonly workers: number;
}

/**
 * `measure` rejects when the workers do not come up or are all lost; with the reason of `signal` when it aborts.
 * The workers are gone then, and the file holds what was measured.
 */
export class FleetSender implements Sender {
  readonly #launcher: WorkerLauncher;
  readonly #workers: number;

  constructor(launcher: WorkerLauncher, { workers }: FleetSenderOptions) {
    this.#launcher = launcher;
    this.#workers = workers;
  }

  async measure(
    plan: MeasurementPlan,
    file: string,
    listener: SenderListener & { stopRequested(): boolean },
    signal: AbortSignal,
  ): Promise<SenderResult> {
    signal.throwIfAborted();
    const workers = workersFor(plan, this.#workers);
    const { sha256, token } = newToken();
    const fleet = await this.#launcher.launch(
      {
        service: plan.service,
        workers,
        tokenSha256: sha256,
        seconds: Math.ceil(plan.limits.maxSeconds) + SPARE_SECONDS,
      },
      signal,
    );
    try {
      return await this.#send(plan, file, listener, fleet, token, signal);
    } finally {
      await fleet.remove();
    }
  }

  async #send(
    plan: MeasurementPlan,
    file: string,
    listener: SenderListener & { stopRequested(): boolean },
    fleet: LaunchedFleet,
    token: string,
    signal: AbortSignal,
  ): Promise<SenderResult> {
    const links = await connectAll(fleet, token, signal);
    const record = new FleetRecord(openSampleWriter(file), plan, links.length);
    const coordinator = new Coordinator(plan, links, listener, record, (name) =>
      fleet.whyGone(name),
    );
    let end: FleetEnd | undefined;
    try {
      end = await coordinator.run(signal);
      return { ...end, file };
    } finally {
      await record.close(coordinator.rest(), end);
    }
  }
}

/** Pairs that a worker expects to send in a window: with fewer there might be a window without any. */
const LEAST_PAIRS = 20;

/** As many of the wished ones as have enough to do. Blocks go to one arm at a time: one worker sends them. */
export function workersFor(plan: MeasurementPlan, wished: number): number {
  if (plan.blocks !== undefined) return 1;
  const busy = Math.floor((plan.pairsPerSecond * plan.windowSeconds) / LEAST_PAIRS);
  return Math.max(1, Math.min(wished, busy, plan.limits.connections));
}

async function connectAll(
  fleet: LaunchedFleet,
  token: string,
  signal: AbortSignal,
): Promise<readonly WorkerLink[]> {
  const settled = await Promise.allSettled(
    fleet.workers.map((worker) => connectWorker(worker, token, CONNECT_MS, signal)),
  );
  const links = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return links;
  for (const link of links) link.close();
  throw failed.reason;
}

/** Writes the merged measurement, a window at a time. */
class FleetRecord implements FleetOutput {
  readonly #writer: SampleWriter;
  #written: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(writer: SampleWriter, plan: MeasurementPlan, workers: number) {
    const { planted, replacements = 0, windows } = plan;
    this.#writer = writer;
    this.#lines([
      `# format: ${FORMAT}`,
      ...formatMetadata({
        windowsPlanned: windows,
        ...(replacements === 0 ? {} : { replacements }),
        ...(planted === undefined ? {} : { plantedDelayUs: planted.delayMs * 1000 }),
      }),
      `# trace-seed: ${plan.traceSeed ?? plan.seed}`,
      '# foreign-cpu: not watched',
      `# workers: ${workers}`,
      HEADER,
    ]);
  }

  begun(clockErrorUs: number): void {
    this.#lines([`# clock-error-us: ${Math.ceil(clockErrorUs)}`]);
  }

  window({ byWorker, fitness, samples }: MergedWindow): void {
    this.#lines([
      ...samples.map(formatSample),
      ...[...byWorker].map(
        ([worker, own]) =>
          `# worker-fitness: worker=${worker} ${formatFitness(own).replace('# fitness: ', '')}`,
      ),
      formatFitness(fitness),
    ]);
  }

  plantedDelay(delayMs: number): void {
    this.#lines(formatMetadata({ plantedDelayUs: delayMs * 1000 }));
  }

  lost(name: string, why: string): void {
    this.#lines([`# worker-lost: ${name}: ${why.replace(/\s+/g, ' ').slice(0, 500)}`]);
  }

  /**
   * @param rest rows that stand in no window
   * @throws SampleFileError when something was not written, and the measurement had not failed before
   */
  async close(rest: readonly Sample[], end: FleetEnd | undefined): Promise<void> {
    this.#lines([
      ...rest.map(formatSample),
      ...(end === undefined
        ? formatMetadata({ ended: 'failed' })
        : [
            ...formatCounters(end.counters),
            ...formatMetadata({ ended: end.ended, steady: end.steady }),
          ]),
    ]);
    await this.#written;
    await this.#writer.close().catch(this.#failed);
    // The measurement's own failure tells more.
    if (this.#failure !== undefined && end !== undefined) throw this.#failure;
  }

  #lines(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#written = this.#written
      .then(() => this.#writer.write(`${lines.join('\n')}\n`))
      .catch(this.#failed);
  }

  readonly #failed = (error: unknown): void => {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  };
}
