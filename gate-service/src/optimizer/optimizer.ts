/** Port to the optimizer: ask what to try, tell what came of it. Knows nothing of the stack it tunes. */

export type Values = Readonly<Record<string, number | boolean | string>>;

/** A configuration worth trying, and why. */
export interface Proposal {
  readonly id: string;
  readonly values: Values;
  readonly source: 'expert' | 'policy' | 'critic';
  /** One sentence for a person. */
  readonly reason: string;
}

/** What is known when the optimizer is asked. */
export interface OptimizerState {
  /** The configuration in force. */
  readonly incumbent: Values;
  /** From telemetry: whether a better configuration could show in the measure at all, and why. */
  readonly somethingToWin: { readonly yes: boolean; readonly reason: string };
  readonly evaluationsLeft: number;
  readonly secondsLeft: number;
  /** What one evaluation takes. Default 0. */
  readonly secondsPerEvaluation?: number;
}

export type Answer =
  | { readonly proposal: Proposal; readonly sentence: string }
  | { readonly proposal?: undefined; readonly sentence: string };

/** Challenger against incumbent, measured side by side. */
export interface EvaluationResult {
  readonly proposalId: string;
  /**
   * Per objective the log-ratios challenger ÷ incumbent, one per window; below 0 is better. The
   * first objective is to be won, the others must not get worse.
   */
  readonly objectives: readonly { readonly name: string; readonly logRatios: readonly number[] }[];
  readonly failures: {
    readonly challenger: { readonly hits: number; readonly total: number };
    readonly incumbent: { readonly hits: number; readonly total: number };
  };
  /** Why the evaluation ended early or cannot be trusted; it is then never adopted. */
  readonly aborted?: string;
}

export interface Adoption {
  readonly adopted: boolean;
  /** Of the first objective, as a ratio: -0.1 = 10 % better. Absent when nothing could be estimated. */
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
  /** 0–1, two-sided. */
  readonly confidence: number;
  /** What was measured and why it was adopted or not. */
  readonly sentence: string;
}

export interface Optimizer {
  ask(state: OptimizerState): Answer;
  /** @throws UnknownProposalError for an id that was not asked for or was told already */
  tell(result: EvaluationResult): Adoption;
}

export class UnknownProposalError extends Error {
  constructor(id: string, open: string | undefined) {
    super(
      `no evaluation of "${id}" is open; ${open === undefined ? 'ask first' : `"${open}" is being tried`}`,
    );
    this.name = 'UnknownProposalError';
  }
}
