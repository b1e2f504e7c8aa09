/** What tuning tried in a run: why, what was expected, what was measured, and what came of it. */
import type {
  EvaluationVerdict,
  TuningEvaluation,
  TuningMargin,
  TuningView,
} from '../../../runs/tuning-record.ts';
import { escapeMarkup as e } from './markup.ts';
import { formatEffect } from './numbers.ts';

/** A sign and a word; the class only adds colour. */
const VERDICTS: Readonly<Record<EvaluationVerdict, readonly [sign: string, tone: string]>> = {
  'under-way': ['…', 'inconclusive'],
  adopted: ['✓', 'met'],
  rejected: ['·', 'inconclusive'],
  unsafe: ['✗', 'breached'],
  dropped: ['!', 'invalid'],
  reverted: ['↩', 'breached'],
};

const SOURCES: Readonly<Record<TuningEvaluation['source'], string>> = {
  expert: 'expert rule',
  policy: 'policy',
  critic: 'critic',
  memory: 'memory',
  rerun: 'again',
};

/** Empty for a run without tuning. */
export function tuningSection(tuning: TuningView | undefined): string {
  if (tuning === undefined) return '';
  const { advice = [], evaluations, memory, objective, outcome, summary } = tuning;
  const table =
    evaluations.length === 0
      ? ''
      : `<table><thead><tr><th>Challenger</th><th>What was tried, why, and what came of it</th></tr></thead><tbody>${evaluations.map((one) => row(one, objective)).join('')}</tbody></table>`;
  return `<h2>Tuning: ${e(outcome)}</h2><p>${e(summary)}</p>${memory.map((one) => `<p>${e(one)}</p>`).join('')}${table}${advice.map((one) => `<p>${e(one)}</p>`).join('')}`;
}

function row(one: TuningEvaluation, objective: string): string {
  const [sign, tone] = VERDICTS[one.verdict];
  const { measured, predicted } = one;
  const changes = one.changes.map(
    ({ from, knob, share, to }) =>
      `<code>${e(knob)}</code> ${e(String(from))} → ${e(String(to))}${share === undefined ? '' : ` (carries ${Math.round(share * 100)} %)`}`,
  );
  const lines = [
    `${SOURCES[one.source]}: ${e(one.reason)}`,
    changes.join(', '),
    predicted === undefined
      ? ''
      : `Expected ${objective} ${range(predicted)}; all limits hold with ${Math.round(predicted.safe * 100)} %`,
    measured === undefined
      ? ''
      : `Measured ${objective} ${range(measured)} at ${(measured.confidence * 100).toFixed(1)} %, ${measured.windows} windows`,
    one.margins.map(marginText).join('; '),
    e(one.sentence),
  ].filter((line) => line !== '');
  return `<tr><td class="${tone}">${one.number}: ${sign} ${one.verdict}</td><td>${lines.join('<br>')}</td></tr>`;
}

function range(of: {
  readonly change: number;
  readonly low: number;
  readonly high: number;
}): string {
  return `${formatEffect(of.change, 'ratio')} (${formatEffect(of.low, 'ratio')} to ${formatEffect(of.high, 'ratio')})`;
}

function marginText({ max, measured, metric, share }: TuningMargin): string {
  const unit = metric.startsWith('errors') ? 'share' : 'ms';
  const room = share < 0 ? 'broken' : `${Math.round(share * 100)} % of it left`;
  return `${e(metric)} ${formatEffect(measured, unit)}, limit ${formatEffect(max, unit)}: ${room}`;
}
