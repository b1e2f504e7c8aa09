/** What tuning did in a run, stored step by step and told in words. */
import { asError } from './clock.ts';
import type { AdoptionEnd, TuningProposal, Tuner, TuningAnswer } from './ports.ts';
import { short } from './production.ts';
import type { RunContext } from './run-context.ts';
import type {
  TuningChange,
  TuningEvaluation,
  TuningOutcome,
  TuningRecord,
  TuningView,
} from './tuning-record.ts';

/** What is made small: p95 of the answers. */
export const OBJECTIVE = 'p95';

type Proposed = Extract<TuningProposal, { kind: 'proposal' }>;

export class TuningLog {
  readonly #context: RunContext;
  readonly #tuner: Pick<Tuner, 'learnt' | 'memory'> | undefined;
  /** How often each configuration could not be measured, by hash. */
  readonly #failures = new Map<string, number>();
  #view: TuningView;
  /** What became of what was adopted; later runs are told of it only by then. */
  #adoption: AdoptionEnd | undefined;
  #lastLearnt: TuningRecord['learnt'];
  #failed = false;

  private constructor(
    context: RunContext,
    view: TuningView,
    tuner: Pick<Tuner, 'learnt' | 'memory'> | undefined,
  ) {
    this.#context = context;
    this.#view = view;
    this.#tuner = tuner;
  }

  /** Says and stores that there is no tuning, and why. */
  static async skipped(context: RunContext, why: string): Promise<void> {
    const log = new TuningLog(context, viewOf(context, 'skipped', why, []), undefined);
    await log.#save();
    await context.tell('tuning', why, { outcome: 'skipped' });
  }

  static async begin(context: RunContext, tuner: Tuner): Promise<TuningLog> {
    const view = {
      ...viewOf(context, 'under-way', 'tuning is under way', tuner.memory),
      ...(tuner.advice.length === 0 ? {} : { advice: tuner.advice }),
    };
    const log = new TuningLog(context, view, tuner);
    await log.#save();
    for (const sentence of tuner.memory) {
      await context.tell('tuning', sentence, { memory: true });
    }
    for (const sentence of tuner.advice) {
      await context.tell('tuning', sentence, { advice: true });
    }
    return log;
  }

  /** How often a configuration could not be measured so far; what the machine spoilt was measured. */
  failuresOf(configurationHash: string): number {
    return this.#failures.get(configurationHash) ?? 0;
  }

  get evaluations(): number {
    return this.#view.evaluations.length;
  }

  /** The same configuration could not be measured twice in a row. */
  get isHopeless(): boolean {
    const [one, other] = this.#view.evaluations.slice(-2);
    return (
      one?.verdict === 'dropped' &&
      other?.verdict === 'dropped' &&
      one.configurationHash === other.configurationHash
    );
  }

  async ask(proposal: Proposed): Promise<void> {
    const { changes, configuration, predicted, reason, source } = proposal;
    const evaluation: TuningEvaluation = {
      number: this.#view.evaluations.length + 1,
      configurationHash: configuration.hash,
      source,
      reason,
      changes,
      ...(predicted === undefined ? {} : { predicted }),
      margins: [],
      verdict: 'under-way',
      sentence: 'is being measured',
    };
    await this.#set({ evaluations: [...this.#view.evaluations, evaluation] });
    const { number } = evaluation;
    await this.#context.tell('tuning', `challenger ${number}: ${planWords(evaluation)}`, {
      evaluation: number,
      configuration: configuration.hash,
      values: configuration.values,
      source,
      reason,
      changes,
      ...(predicted === undefined ? {} : { predicted }),
    });
  }

  /** With what was learnt: from here on a kill loses nothing of this evaluation. */
  async answer(answer: TuningAnswer): Promise<void> {
    const { margins, measured, sentence, verdict } = answer;
    const own = this.#changeLast({
      margins,
      verdict,
      sentence,
      ...(measured === undefined ? {} : { measured }),
    });
    await this.#set(own);
    await this.#tellLast({ adopted: verdict === 'adopted' });
    await this.#tellMemory();
  }

  /** What former sessions turn out to be worth is seen as evaluations come in. */
  async #tellMemory(): Promise<void> {
    const memory = this.#tuner?.memory ?? [];
    const news = memory.filter((sentence) => !this.#view.memory.includes(sentence));
    if (news.length === 0) return;
    await this.#set({ memory });
    for (const sentence of news) await this.#context.tell('tuning', sentence, { memory: true });
  }

  /** It could not be measured: nothing was learnt. */
  async drop(why: string): Promise<void> {
    const last = this.#view.evaluations.at(-1);
    const hash = last?.configurationHash ?? '';
    this.#failures.set(hash, this.failuresOf(hash) + 1);
    const sentence = `challenger ${short(last?.configurationHash ?? '')} is dropped: ${why}`;
    await this.#set(this.#changeLast({ verdict: 'dropped', sentence }));
    await this.#tellLast({ adopted: false });
  }

  async end(outcome: TuningOutcome, summary: string): Promise<void> {
    await this.#set({ outcome, summary });
    await this.#context.tell('tuning', summary, { outcome });
  }

  /** Fresh data showed it again. */
  async confirm(summary: string): Promise<void> {
    this.#adoption = 'confirmed';
    await this.end('confirmed', summary);
  }

  /** Fresh data did not show what tuning had: given up again. */
  async revert(summary: string, end: Exclude<AdoptionEnd, 'confirmed'>): Promise<void> {
    this.#adoption = end;
    await this.#set({
      ...this.#changeLast({ verdict: 'reverted' }),
      outcome: 'reverted',
      summary,
    });
    await this.#context.tell('tuning', summary, { outcome: 'reverted' });
  }

  async #tellLast(data: Readonly<Record<string, unknown>>): Promise<void> {
    const last = this.#view.evaluations.at(-1);
    if (last === undefined) return;
    const { configurationHash, margins, measured, number, sentence, verdict } = last;
    await this.#context.tell('tuning', sentence, {
      evaluation: number,
      configuration: configurationHash,
      verdict,
      margins,
      ...(measured === undefined ? {} : { measured }),
      ...data,
    });
  }

  #changeLast(change: Partial<TuningEvaluation>): Pick<TuningView, 'evaluations'> {
    const { evaluations } = this.#view;
    return {
      evaluations: evaluations.map((own, index) =>
        index === evaluations.length - 1 ? { ...own, ...change } : own,
      ),
    };
  }

  async #set(change: Partial<TuningView>): Promise<void> {
    this.#view = { ...this.#view, ...change };
    await this.#save();
  }

  async #save(): Promise<void> {
    const { deps, run } = this.#context;
    const learnt = await this.#learnt();
    await deps.store.saveTuning({
      runId: run.id,
      start: this.#context.start,
      service: run.service,
      at: this.#context.now(),
      view: this.#view,
      ...(learnt === undefined ? {} : { learnt }),
    });
  }

  /** An optimizer that cannot tell has taught nothing: no reason to fail a run. */
  async #learnt(): Promise<TuningRecord['learnt']> {
    try {
      this.#lastLearnt = this.#tuner?.learnt(this.#adoption);
    } catch (error) {
      if (!this.#failed) {
        this.#failed = true;
        await this.#context.tell(
          'problem',
          `what tuning learnt from here on is lost: ${asError(error).message}`,
        );
      }
    }
    return this.#lastLearnt;
  }
}

function viewOf(
  { run }: RunContext,
  outcome: TuningOutcome,
  summary: string,
  memory: readonly string[],
): TuningView {
  const { tune } = run.settings;
  return {
    outcome,
    summary,
    objective: OBJECTIVE,
    ...(tune === 'off' ? {} : { budget: tune }),
    memory,
    evaluations: [],
  };
}

/** Why it is tried, what is turned and what is expected of it, in a line. */
function planWords({ changes, predicted, reason, source }: TuningEvaluation): string {
  const by = {
    expert: 'expert rule',
    policy: 'policy',
    critic: 'critic',
    memory: 'memory',
    rerun: 'again',
  };
  const turned = changes.length === 0 ? '' : `; ${changes.map(changeWords).join(', ')}`;
  const expected =
    predicted === undefined
      ? ''
      : `; expected ${OBJECTIVE} ${percent(predicted.change)} (${percent(predicted.low)} to ${percent(predicted.high)}), all limits hold with ${Math.round(predicted.safe * 100)} %`;
  return `${by[source]}: ${reason.replace(/\.$/, '')}${turned}${expected}`;
}

function changeWords({ from, knob, to }: TuningChange): string {
  return `${knob} ${String(from)} → ${String(to)}`;
}

function percent(ratio: number): string {
  return `${ratio >= 0 ? '+' : '−'}${Math.abs(ratio * 100).toFixed(1)} %`;
}
