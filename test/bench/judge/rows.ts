/** From the answers of a cell's repetitions to the rows of the bench. */
import type { NoiseName } from './noise.ts';
import { gates, type Gate, type GateAnswer, type Verdict } from './repetition.ts';

export interface Row {
  readonly noise: NoiseName;
  readonly factor: number;
  readonly gate: Gate;
  readonly repetitions: number;
  /** Per cent of the repetitions. */
  readonly breached: number;
  readonly pass: number;
  readonly inconclusive: number;
  readonly invalid: number;
  readonly meanSeconds: number;
  /** Repetitions in which a control failed, by control; only where one did. */
  readonly failedControls?: Readonly<Record<string, number>>;
}

export function rowsOf(
  noise: NoiseName,
  factor: number,
  answers: readonly GateAnswer[],
): readonly Row[] {
  return gates.map((gate) => {
    const own = answers.filter((answer) => answer.gate === gate);
    const percent = (verdict: Verdict): number =>
      rounded((100 * own.filter((answer) => answer.verdict === verdict).length) / own.length, 2);
    const failed: Record<string, number> = {};
    for (const control of own.flatMap((answer) => [...new Set(answer.failed)])) {
      failed[control] = (failed[control] ?? 0) + 1;
    }
    return {
      noise,
      factor,
      gate,
      repetitions: own.length,
      breached: percent('breached'),
      pass: percent('pass'),
      inconclusive: percent('inconclusive'),
      invalid: percent('invalid'),
      meanSeconds: rounded(own.reduce((sum, { seconds }) => sum + seconds, 0) / own.length, 1),
      ...(Object.keys(failed).length > 0 ? { failedControls: failed } : {}),
    };
  });
}

/** A table for people. */
export function tableOf(rows: readonly Row[]): string {
  const head =
    'noise                factor  gate                      breached  pass   inconcl.  invalid  mean s';
  const lines = rows.map((row) =>
    [
      row.noise.padEnd(21),
      `x${row.factor.toFixed(2)}`.padEnd(8),
      row.gate.padEnd(26),
      row.breached.toFixed(1).padStart(7),
      row.pass.toFixed(1).padStart(8),
      row.inconclusive.toFixed(1).padStart(10),
      row.invalid.toFixed(1).padStart(9),
      row.meanSeconds.toFixed(0).padStart(8),
    ].join(''),
  );
  return [head, ...lines].join('\n');
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
