/** Listens to the sender: progress for people, looks of the judge, CPU counters at the right moments. */
import type { Measurement, Sample, WindowFitness } from '../load/sample.ts';
import type { SenderListener, WindowReport } from '../load/sender.ts';
import type { Judgement } from '../judge/judgement.ts';
import type { ArmObservation } from '../platforms/platform.ts';
import type { ComparisonRequest } from './comparison.ts';
import { describeEffects } from './effects.ts';
import type { RunContext } from './run-context.ts';

export class ComparisonWatch implements SenderListener {
  /** Last observation before the first counted window. */
  cpuFrom?: readonly ArmObservation[];
  /** Observation at the end of the last counted window, before the planted block. */
  cpuTo?: readonly ArmObservation[];
  readonly observations: (readonly ArmObservation[])[] = [];
  readonly #context: RunContext;
  readonly #request: ComparisonRequest;
  readonly #looks: ReadonlySet<number>;
  readonly #samples: Sample[] = [];
  readonly #fitness: WindowFitness[] = [];
  #windows = 0;
  #stop = false;
  #lastProgress: number;
  #queue: Promise<void> = Promise.resolve();

  constructor(context: RunContext, request: ComparisonRequest) {
    this.#context = context;
    this.#request = request;
    this.#looks = new Set(
      request.sequential
        ? context.deps.judge.looks(request.windows).filter((look) => look < request.windows)
        : [],
    );
    this.#lastProgress = context.deps.clock.now();
  }

  /** Windows measured so far, without warm-up and planted block. */
  get windows(): number {
    return this.#windows;
  }

  stopRequested(): boolean {
    return this.#stop;
  }

  window(report: WindowReport): void {
    if (report.window < 0) {
      this.#later(async () => {
        this.cpuFrom = await this.#observe();
      });
    } else if (!this.#stop && report.window < this.#request.windows && !isPlanted(report)) {
      this.#windows += 1;
      this.#samples.push(...report.samples);
      this.#fitness.push(report.fitness);
      this.#stop = this.#lookSettles();
      if (this.#stop || this.#windows === this.#request.windows) {
        this.#later(async () => {
          this.cpuTo = await this.#observe();
        });
      }
    }
    this.#progress(report);
  }

  /** Resolves when everything that the reports set off is done. */
  settled(): Promise<void> {
    return this.#queue;
  }

  #lookSettles(): boolean {
    if (!this.#looks.has(this.#windows)) return false;
    const interim = this.#interim();
    if (interim === undefined || !this.#context.deps.judge.settles(interim)) return false;
    const windows = this.#windows;
    this.#later(() =>
      this.#context.tell(
        'progress',
        `enough is known after ${windows} of ${this.#request.windows} windows: ${describeEffects(interim.outcomes)}`,
        { windows, planned: this.#request.windows },
      ),
    );
    return true;
  }

  /** The judgement so far; undefined when it cannot be made yet. */
  #interim(): Judgement | undefined {
    const { judge } = this.#context.deps;
    const { seed, shown, thresholds } = this.#context.run.settings;
    const measurement: Measurement = {
      windowsPlanned: this.#request.windows,
      samples: this.#samples,
      fitness: this.#fitness,
    };
    try {
      return judge.judge(
        measurement,
        { thresholds, shown },
        {
          seed,
          windowsPlanned: this.#request.windows,
          look: this.#windows,
          requirePlanted: false,
          requireSender: false,
          baseline: this.#request.baseline,
        },
      );
    } catch {
      // An interim look only saves time; the judgement that counts comes from the stored samples.
      return undefined;
    }
  }

  #progress(report: WindowReport): void {
    const { clock } = this.#context.deps;
    const { progressSeconds, windowSeconds } = this.#context.profile;
    if (clock.now() - this.#lastProgress < progressSeconds * 1000) return;
    this.#lastProgress = clock.now();
    const planned = this.#request.windows;
    const left = Math.max(0, Math.round((planned - this.#windows) * windowSeconds));
    const effects =
      this.#request.sequential && this.#windows > 1 ? this.#interim()?.outcomes : undefined;
    const message =
      report.window < 0
        ? `${this.#request.purpose}: warming up`
        : `${this.#request.purpose}: window ${this.#windows} of ${planned}${
            effects === undefined ? '' : `, so far ${describeEffects(effects)}`
          }; at most ${left} s left`;
    const data = {
      windows: this.#windows,
      planned,
      secondsLeft: left,
      medians: medians(report.samples),
      effects,
    };
    this.#later(async () => {
      await this.#context.tell('progress', message, data);
      this.observations.push(await this.#observe());
    });
  }

  #observe(): Promise<readonly ArmObservation[]> {
    return this.#context.deps.world.observe(this.#context.service.name, 'staging');
  }

  /** In order, one after the other; a failure loses the line or the counter, not the measurement. */
  #later(action: () => Promise<void>): void {
    this.#queue = this.#queue.then(action).catch(() => undefined);
  }
}

function isPlanted(report: WindowReport): boolean {
  return report.samples.some((sample) => sample.arm === 'planted');
}

/** Median latency of each arm in one window, milliseconds: for the live picture only. */
function medians(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const byArm = Map.groupBy(samples, (sample) => sample.arm);
  return Object.fromEntries(
    [...byArm].map(([arm, own]) => {
      const sorted = own.map((sample) => sample.latencyUs).sort((a, b) => a - b);
      return [arm, (sorted[Math.floor(sorted.length / 2)] ?? 0) / 1000];
    }),
  );
}
