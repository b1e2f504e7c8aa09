/** Sender, sample files, judge and tuner without load: outcomes are scripted, samples are well formed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Judgement, JudgedCause } from '../../judge/judgement.ts';
import type { ArmName, Measurement, Sample, WindowFitness } from '../../load/sample.ts';
import type { MeasurementPlan, PlantedBlock, Sender, SenderResult } from '../../load/sender.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type {
  RunJudge,
  SampleFiles,
  StepFinding,
  StepJudge,
  Tuner,
  Tuners,
  TuningFacts,
  TuningTold,
} from '../ports.ts';
import type { LearntSession } from '../tuning-record.ts';
import type { FakeClock } from './fake-clock.ts';
import type { FakePlatform } from './fake-platform.ts';

export class FakeSender implements Sender {
  readonly files = new Map<string, Measurement>();
  readonly plans: MeasurementPlan[] = [];
  /** What was said of each planted block. */
  readonly plantedBlocks: PlantedBlock[] = [];
  /** Called when a measurement begins; throws to make the sender die. */
  before: (plan: MeasurementPlan) => void = () => undefined;
  /** Called after the windows, before the answer. */
  after: (plan: MeasurementPlan) => void = () => undefined;
  /** Name of the node that answers an arm's requests. */
  launchOf: (armId: string) => string = (armId) => `${armId}-node-1`;
  windowSamples: typeof oneSampleEach = oneSampleEach;
  /** Whether a window is spoilt: foreign processes take the machine. */
  spoilt: (window: number, plan: MeasurementPlan) => boolean = () => false;
  /** CPU seconds that a request costs the node that answers it. */
  cpuPerRequest: (launch: string) => number = () => 0;
  readonly #clock: FakeClock;
  readonly #platform: FakePlatform;

  constructor(clock: FakeClock, platform: FakePlatform) {
    this.#clock = clock;
    this.#platform = platform;
  }

  async measure(
    plan: MeasurementPlan,
    file: string,
    listener: Parameters<Sender['measure']>[2],
    signal: AbortSignal,
  ): Promise<SenderResult> {
    this.plans.push(plan);
    this.before(plan);
    const samples: Sample[] = [];
    const fitness: WindowFitness[] = [];
    let delayMs = plan.planted?.delayMs;
    const send = async (window: number, planted: boolean): Promise<void> => {
      await this.#clock.sleep(plan.windowSeconds * 1000, signal);
      const own = this.windowSamples(withDelay(plan, delayMs), window, planted, (arm) =>
        this.#launch(arm),
      );
      const count = own.length;
      const fit = {
        window,
        latenessP99Us: 1,
        runQueueShare: 0,
        foreignCores: this.spoilt(window, plan) ? 2 : 0,
        sent: count,
        received: count,
      };
      samples.push(...own);
      for (const { launch } of own) this.#platform.count(launch, this.cpuPerRequest(launch));
      fitness.push(fit);
      listener.window({ window, samples: own, fitness: fit });
      // What the listener does about it takes a moment; the next window takes much longer.
      await nextTurn();
    };
    const { replacements = 0 } = plan;
    const wanted = (): number =>
      Math.min(plan.windows + replacements, listener.windowsWanted?.() ?? plan.windows);
    for (let window = -2; window < wanted() && !listener.stopRequested(); window += 1) {
      await send(window, false);
    }
    const block = plan.planted === undefined ? undefined : await listener.plantedBlock?.();
    if (block !== undefined) {
      this.plantedBlocks.push(block);
      delayMs = block.delayMs;
    }
    for (let extra = 0; extra < (plan.planted?.windows ?? 0); extra += 1) {
      await send(plan.windows + replacements + extra, true);
    }
    this.after(plan);
    const counters = { sent: samples.length, received: samples.length, inFlight: 0, cpuSeconds: 1 };
    this.files.set(file, { windowsPlanned: plan.windows, samples, fitness, counters });
    return { counters, steady: true, file, ended: 'planned' };
  }

  #launch(arm: ArmName): string {
    const routing = this.#platform.measurement?.arms.find(({ headerValue }) => headerValue === arm);
    return routing === undefined ? '-' : this.launchOf(routing.armId);
  }
}

function withDelay(plan: MeasurementPlan, delayMs = 0): MeasurementPlan {
  return plan.planted === undefined ? plan : { ...plan, planted: { ...plan.planted, delayMs } };
}

function oneSampleEach(
  plan: MeasurementPlan,
  window: number,
  planted: boolean,
  launchOf: (arm: ArmName) => string,
): Sample[] {
  const arms = planted ? [plan.arms[0].name] : plan.arms.map(({ name }) => name);
  return arms.map((name) => ({
    arm: planted ? 'planted' : name,
    launch: launchOf(name),
    window,
    kind: 'cart',
    intendedUs: 0,
    latencyUs: 1000,
    status: 'ok',
  }));
}

export function fakeSampleFiles(sender: FakeSender): SampleFiles {
  return {
    place: (runId, attempt) => {
      const relative = `samples/${runId}-${attempt}.csv.gz`;
      return Promise.resolve({ relative, absolute: `/state/${relative}` });
    },
    read: (relative) => {
      const found = sender.files.get(`/state/${relative}`);
      return found ? Promise.resolve(found) : Promise.reject(new Error(`no file ${relative}`));
    },
    remove: (relative) => {
      sender.files.delete(`/state/${relative}`);
      return Promise.resolve();
    },
  };
}

export function judgementOf(cause: JudgedCause, summary = `it is ${cause}.`): Judgement {
  const outcome = {
    threshold: 'p50 <= baseline + 10%',
    outcome: cause,
    unit: 'ratio',
    effect: 0.01,
    low: -0.01,
    high: 0.03,
    confidence: 0.95,
    limit: 0.1,
    sentence: 'p50 is 1 % slower',
  } as const;
  return {
    decision: cause === 'met' ? 'pass' : 'rollback',
    cause,
    outcomes: [outcome],
    shown: [],
    controls: [],
    windows: { planned: 4, counted: 4, dropped: 0 },
    summary,
    procedure: 'fake/1',
  };
}

/** Answers final judgements from a list (then `met`), interim ones from `interim`. */
export class FakeJudge implements RunJudge {
  causes: JudgedCause[] = [];
  interim: JudgedCause = 'inconclusive';
  judge(
    _measurement: Measurement,
    _rules: unknown,
    options: { readonly requirePlanted: boolean },
  ): Judgement {
    return judgementOf(options.requirePlanted ? (this.causes.shift() ?? 'met') : this.interim);
  }
  counts({ foreignCores = 0 }: WindowFitness): boolean {
    return foreignCores < 1;
  }
  looks(planned: number): readonly number[] {
    return [Math.ceil(planned / 2), planned];
  }
  settles(interim: Judgement): boolean {
    return interim.cause === 'met' || interim.cause === 'breached';
  }
  checkThreshold(text: string): ReturnType<RunJudge['checkThreshold']> {
    if (!text.includes('<')) throw new Error(`${text}: expected an operator`);
    return { absolute: !text.includes('baseline'), capacity: text.startsWith('capacity'), text };
  }
  isLooser(threshold: string, than: string): boolean {
    const limit = (text: string): number => Number(/\d+(?=%|ms)/.exec(text)?.[0]);
    const subject = (text: string): string => text.replace(/\d+(?=%|ms)/, '');
    return subject(threshold) === subject(than) && limit(threshold) > limit(than);
  }
}

export class FakeStepJudge implements StepJudge {
  /** Finding by order of calls; `held` when it returns undefined. */
  find: () => StepFinding['outcome'] | undefined = () => undefined;
  compare(canary: unknown, current: unknown): StepFinding {
    const outcome =
      canary === undefined || current === undefined ? 'no-data' : (this.find() ?? 'held');
    return { outcome, sentence: `canary ${outcome}` };
  }
}

export class FakeTuners implements Tuners {
  /** Configurations to propose, in order. */
  proposals: StackConfiguration[] = [];
  adopts = true;
  /** By order of answers; its own verdict where it returns undefined. */
  answers: () => 'dropped' | undefined = () => undefined;
  /** What former sessions are known to be worth after so many answers. */
  memory: (answers: number) => readonly string[] = () => [];
  /** What each tuner was created with, oldest first. */
  readonly created: TuningFacts[] = [];
  /** What tuners were told, oldest first. */
  readonly told: TuningTold[] = [];
  create(_incumbent: StackConfiguration, facts: TuningFacts): Tuner {
    this.created.push(facts);
    const left = [...this.proposals];
    const trials: string[] = [];
    const memory = this.memory;
    return {
      get memory() {
        return memory(trials.length);
      },
      advice: [],
      ask: () => {
        const configuration = left.shift();
        return configuration === undefined
          ? { kind: 'none', sentence: 'no tuning: telemetry shows nothing to win' }
          : {
              kind: 'proposal',
              configuration,
              source: 'expert',
              reason: 'the expert configuration',
              changes: [{ knob: 'places', from: 150, to: 300 }],
            };
      },
      tell: (configuration, told) => {
        this.told.push(told);
        trials.push(configuration.hash);
        const sound = this.answers() ?? this.#verdict;
        const verdict = told.kind === 'failed' || told.burst ? 'unsafe' : sound;
        return { verdict, margins: [], sentence: verdict };
      },
      learnt: (end) =>
        trials.length === 0
          ? undefined
          : {
              space: 'fake',
              session: { trials: [...trials], ...(end === undefined ? {} : { end }) },
            },
    };
  }
  takenBack(runId: string, sessions: readonly LearntSession[]): readonly LearntSession[] {
    return sessions
      .filter((one) => one.runId === runId)
      .map((one) => ({ ...one, session: { ...(one.session as object), end: 'refuted' } }));
  }
  get #verdict(): 'adopted' | 'rejected' {
    return this.adopts ? 'adopted' : 'rejected';
  }
}
