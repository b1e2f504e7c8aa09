/** An effect with its interval and its limit, drawn to scale; the words beside it say the same. */
import type { ThresholdOutcome } from '../../../judge/judgement.ts';
import { escapeMarkup } from './markup.ts';
import { formatOutcome, limitPosition } from './numbers.ts';

const WIDTH = 360;
const HEIGHT = 36;
const EDGE = 8;

/** An SVG without script or style; empty when there is nothing to draw. */
export function renderInterval(outcome: ThresholdOutcome): string {
  const { effect, low, high } = outcome;
  const limit = limitPosition(outcome);
  const finite = [0, effect, low, high, limit].filter(
    (value): value is number => value !== undefined && Number.isFinite(value),
  );
  if (effect === undefined || !Number.isFinite(effect)) return '';
  const least = Math.min(...finite);
  const span = Math.max(...finite) - least || 1;
  const x = (value: number): string =>
    (EDGE + ((clamp(value, least, least + span) - least) / span) * (WIDTH - 2 * EDGE)).toFixed(1);
  const from = x(low ?? effect);
  const to = x(high ?? effect);
  return [
    `<svg class="chart ${outcome.outcome}" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeMarkup(formatOutcome(outcome))}">`,
    `<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="4" y2="32"/>`,
    `<line class="limit" x1="${x(limit)}" x2="${x(limit)}" y1="2" y2="34"/>`,
    `<line class="interval" x1="${from}" x2="${to}" y1="18" y2="18"/>`,
    `<line class="interval" x1="${from}" x2="${from}" y1="12" y2="24"/>`,
    `<line class="interval" x1="${to}" x2="${to}" y1="12" y2="24"/>`,
    `<circle class="effect" cx="${x(effect)}" cy="18" r="5"/>`,
    '</svg>',
  ].join('');
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
