/** Listens to the sender: counts windows, replaces spoilt ones, lets the judge look, reads CPU, says progress. */
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { Judgement } from '../judge/judgement.ts';
import type { Sample, WindowFitness } from '../load/sample.ts';
import type { PlantedBlock, SenderListener, WindowReport } from '../load/sender.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import type { CpuSource } from './cpu-source.ts';
import type { ComparisonRequest } from './compared.ts';
import { ErrorBurst } from './error-burst.ts';
import { replacementsFor } from './compared.ts';
import { describeEffects } from './effects.ts';
import { HopReadings, type HopsByArm } from './hop-readings.ts';
import { latenciesOf, type WindowLatencies } from '../load/window-latencies.ts';
import {
  delayInProxy,
  delayOfMargins,
  doubledLoadWaits,
  type PlantedDelay,
} from './planted-delay.ts';
import type { RunContext } from './run-context.ts';
import { WindowCpu } from './window-cpu.ts';

export class ComparisonWatch implements SenderListener {
  /** Staging as seen now and then. */
  readonly observations: (readonly ArmObservation[])[] = [];
  readonly cpu: WindowCpu;
  readonly #context: RunContext;
  readonly #request: ComparisonRequest;
  readonly #cpuSource: CpuSource;
  readonly #replacements: number;
  readonly #looks: ReadonlySet<number>;
  readonly #samples: Sample[] = [];
  readonly #hops: HopReadings;
  readonly #plant: (delayMs: number) => Promise<void>;
  readonly #spoilt = new Set<number>();
  readonly #fitness: WindowFitness[] = [];
  /** Of windows since the last line of progress. */
  readonly #latencies: WindowLatencies[] = [];
  readonly #failures: ErrorBurst | undefined;
  #burst: string | undefined;
  #armsGone = false;
  #measured = 0;
  #counted = 0;
  #stoppedAt: number | undefined;
  #plantedMs: number | undefined;
  #lastProgress: number;
  #readings: Promise<void> = Promise.resolve();
  #lines: Promise<void> = Promise.resolve();

  /**
   * @param cpu read at the end of every window
   * @param plant resolves when the proxy has this delay for the planted block
   */
  constructor(
    context: RunContext,
    request: ComparisonRequest,
    cpu: CpuSource,
    plant: (delayMs: number) => Promise<void>,
  ) {
    this.#plant = plant;
    this.#context = context;
    this.#request = request;
    this.#cpuSource = cpu;
    this.#replacements = replacementsFor(request.windows);
    this.cpu = new WindowCpu(
      request.arms.map(({ name }) => name),
      context.profile.windowSeconds,
    );
    this.#hops = new HopReadings(() => context.deps.world.observe(context.service.name, 'staging'));
    this.#looks = new Set(
      request.sequential
        ? context.deps.judge.looks(request.windows).filter((look) => look < request.windows)
        : [],
    );
    const [{ name: incumbent }, { name: challenger }] = request.arms;
    this.#failures =
      request.endAtBurst && new ErrorBurst({ incumbent, challenger }, request.endAtBurst.limit);
    this.#lastProgress = context.deps.clock.now();
  }

  /** Windows measured so far, spoilt ones included, without warm-up and planted block. */
  get measured(): number {
    return this.#measured;
  }

  /** Windows measured so far that count: decided by the sender's fitness alone. */
  get counted(): number {
    return this.#counted;
  }

  /** Counted windows at the look that settled the question; undefined when none did. */
  get stoppedAt(): number | undefined {
    return this.#stoppedAt;
  }

  /** How late the sender was in the median window, in microseconds; undefined before the first. */
  get latenessP99Us(): number | undefined {
    const sorted = this.#fitness.map((one) => one.latenessP99Us).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** The burst of errors that ends the comparison; undefined without one. */
  get burst(): string | undefined {
    return this.#burst;
  }

  /** An arm that is compared was not there any more, or had no node. */
  get armsGone(): boolean {
    return this.#armsGone;
  }

  /** Settled, spoilt beyond repair, a burst of errors, or no arms: more windows would not change what comes of it. */
  stopRequested(): boolean {
    const settled = this.#stoppedAt !== undefined;
    return settled || this.#isBeyondRepair || this.#burst !== undefined || this.#armsGone;
  }

  /** More than may be dropped is spoilt: `invalid`, however the rest turns out. */
  get #isBeyondRepair(): boolean {
    return this.#measured - this.#counted > this.#replacements;
  }

  /** One more for each spoilt window, as long as at most 30 % of all can be dropped. */
  windowsWanted(): number {
    const spoilt = this.#measured - this.#counted;
    return this.#request.windows + Math.min(spoilt, this.#replacements);
  }

  window(report: WindowReport): void {
    const { window } = report;
    this.#watchFailures(report.samples);
    if (window < 0) {
      this.#read(window);
    } else if (window < this.#request.windows + this.#replacements && !isPlanted(report)) {
      this.#measured += 1;
      const counts = this.#context.deps.judge.counts(report.fitness);
      if (counts) this.#counted += 1;
      else this.#addSpoilt(window);
      this.#samples.push(...report.samples);
      this.#fitness.push(report.fitness);
      this.#latencies.push(latenciesOf(report.samples, this.#context.now()));
      this.#read(window, counts && this.#looks.has(this.#counted) ? this.#counted : undefined);
    }
    this.#progress(report);
  }

  /** Of the sender itself, such as that it lost a worker. */
  said(message: string): void {
    this.#say(message, {});
  }

  /** From the warm-up on: requests that fail there fail too. */
  #watchFailures(samples: readonly Sample[]): void {
    if (this.#failures === undefined || this.#burst !== undefined) return;
    this.#failures.add(samples);
    this.#burst = this.#failures.reason;
    if (this.#burst !== undefined) this.#say(`broken off: ${this.#burst}`, {});
  }

  #addSpoilt(window: number): void {
    this.#spoilt.add(window);
    const spoilt = this.#spoilt.size;
    if (spoilt !== this.#replacements + 1) return;
    this.#say(
      `given up: ${spoilt} of ${this.#measured} windows are spoilt, more than may be replaced (${this.#replacements})`,
      { windows: this.#measured, counted: this.#counted, spoilt, planned: this.#request.windows },
    );
  }

  /** The delay that requests met in the planted block; undefined before. */
  get plantedMs(): number | undefined {
    return this.#plantedMs;
  }

  /** Twice the smallest margin of the thresholds that are judged; in the proxy when it resolves. */
  async plantedBlock(): Promise<PlantedBlock> {
    await this.#hops.end();
    const { proxyMs, realMs } =
      this.#delayOfMargins() ?? delayInProxy(this.#context.profile.planted.delayMs);
    await this.#plant(proxyMs);
    this.#plantedMs = realMs;
    return { delayMs: realMs, half: this.#fillsReference };
  }

  /**
   * Latency by hop of each arm over the measured windows.
   * @param last staging when nothing was sent any more
   */
  hops(last: readonly ArmObservation[]): HopsByArm {
    return this.#hops.of(this.#request.arms, this.#samples, last);
  }

  get #fillsReference(): boolean {
    const { arms, planted } = this.#request;
    const [{ arm }] = arms;
    if (planted === undefined) return false;
    return doubledLoadWaits({
      ratePerSecond: this.#context.run.settings.workload.rate,
      samples: this.#ofReference(),
      nodes: arm.nodes.length,
      places: planted.places,
    });
  }

  #delayOfMargins(): PlantedDelay | undefined {
    const { deps, run } = this.#context;
    const { baseline } = this.#request;
    // Without a baseline no margin is judged.
    if (!baseline) return undefined;
    return delayOfMargins(
      run.settings.thresholds.flatMap(
        (text) => deps.judge.checkThreshold(text).latencyMargin ?? [],
      ),
      this.#ofReference(),
    );
  }

  /** Of the windows that count. */
  #ofReference(): readonly Sample[] {
    const [{ name }] = this.#request.arms;
    return this.#samples.filter(({ arm, window }) => arm === name && !this.#spoilt.has(window));
  }

  /** Resolves when everything that the reports set off is done. */
  async settled(): Promise<void> {
    await this.#readings;
    await this.#lines;
  }

  /** At the end of a window: the nodes' counters, then the look that it is time for. */
  #read(window: number, look?: number): void {
    this.#readings = this.#readings.then(async () => {
      // A reading that fails loses the CPU seconds of a window, not the measurement.
      await this.#readCpu(window).catch(() => undefined);
      await this.#hops.after(window);
      if (look !== undefined) this.#look(look);
    });
  }

  async #readCpu(window: number): Promise<void> {
    const atMs = this.#context.deps.clock.now();
    this.cpu.add({ window, atMs, counters: await this.#cpuSource.read() });
  }

  #look(look: number): void {
    if (this.#stoppedAt !== undefined) return;
    const interim = this.#interim(look);
    if (interim === undefined || !this.#context.deps.judge.settles(interim)) return;
    this.#stoppedAt = look;
    const planned = this.#request.windows;
    this.#say(
      `enough is known after ${look} of ${planned} windows: ${describeEffects(interim.outcomes)}`,
      { windows: this.#measured, counted: look, planned },
    );
  }

  /** The judgement on so many counted windows; undefined when it cannot be made yet. */
  #interim(look: number): Judgement | undefined {
    const { judge } = this.#context.deps;
    const { seed, shown, thresholds } = this.#context.run.settings;
    const measurement: JudgedMeasurement = {
      windowsPlanned: this.#request.windows,
      samples: this.#samples,
      fitness: this.#fitness,
      cpuSecondsByWindow: this.cpu.byWindow,
    };
    try {
      return judge.judge(
        measurement,
        { thresholds, shown },
        {
          seed,
          windowsPlanned: this.#request.windows,
          look,
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
    const { purpose, sequential, windows: planned } = this.#request;
    const spoilt = this.#measured - this.#counted;
    const left = Math.max(0, Math.round((this.windowsWanted() - this.#measured) * windowSeconds));
    const effects =
      sequential && this.#counted > 1 ? this.#interim(this.#counted)?.outcomes : undefined;
    const count = `${this.#counted} of ${planned} windows count${spoilt === 0 ? '' : `, ${spoilt} spoilt`}`;
    const soFar = effects === undefined ? '' : `, so far ${describeEffects(effects)}`;
    const rest = isPlanted(report) ? 'the planted delay is looked for' : `at most ${left} s left`;
    this.#say(
      report.window < 0 ? `${purpose}: warming up` : `${purpose}: ${count}${soFar}; ${rest}`,
      {
        windows: this.#measured,
        counted: this.#counted,
        spoilt,
        planned,
        secondsLeft: left,
        latencies: this.#latencies.splice(0),
        effects,
      },
    );
    this.#later(async () => {
      const seen = await this.look();
      if (report.window >= 0) this.observations.push(seen);
    });
  }

  /** Staging as it is now. @throws the platform's error */
  async look(): Promise<readonly ArmObservation[]> {
    const { deps, service } = this.#context;
    const seen = await deps.world.observe(service.name, 'staging');
    // What is left of an arm has its id, but no build or no node any more.
    const isThere = ({ buildDigest, id }: Arm): boolean =>
      seen.some(
        ({ arm, nodes }) => arm.id === id && arm.buildDigest === buildDigest && nodes.length > 0,
      );
    this.#armsGone ||= !this.#request.arms.every(({ arm }) => isThere(arm));
    return seen;
  }

  /** In order, one after the other; a failure loses the line, not the measurement. */
  #say(message: string, data: Readonly<Record<string, unknown>>): void {
    this.#later(() => this.#context.tell('progress', message, data));
  }

  #later(action: () => Promise<void>): void {
    this.#lines = this.#lines.then(action).catch(() => undefined);
  }
}

function isPlanted(report: WindowReport): boolean {
  return report.samples.some((sample) => sample.arm === 'planted');
}
