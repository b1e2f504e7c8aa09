/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/** Outcomes of thresholds: in words, and drawn to scale. */
import { el, kindOf, mark } from './element.js';

function number(value, unit) {
  if (value === undefined) return '–';
  if (unit === 'ratio') return `${value < 0 ? '−' : '+'}${(Math.abs(value) * 100).toFixed(1)} %`;
  if (unit === 'share') return `${(value * 100).toFixed(2)} %`;
  return `${value.toFixed(Math.abs(value) < 10 ? 2 : 1)} ms`;
}

const lowerIsBetter = ({ threshold }) => !/^(throughput|capacity)/.test(threshold);

/** Where the limit lies: a margin of throughput or capacity is how much less is allowed. */
function borderOf(outcome) {
  const margin = outcome.threshold.includes('baseline');
  return margin && !lowerIsBetter(outcome) ? -outcome.limit : outcome.limit;
}

function inWords(outcome) {
  const { unit, low, high } = outcome;
  const interval =
    low === undefined && high === undefined
      ? ''
      : `, between ${number(low, unit)} and ${number(high, unit)} with ${Math.round(outcome.confidence * 100)} % confidence`;
  const smallest =
    outcome.minimumDetectableEffect === undefined
      ? ''
      : `; the smallest effect this could show is ${number(outcome.minimumDetectableEffect, unit)}`;
  return `Effect ${number(outcome.effect, unit)}${interval}; limit ${number(borderOf(outcome), unit)}${smallest}.`;
}

/** Effect, interval and limit on one scale; what is beyond the limit is shaded. */
function intervalChart(outcome) {
  const { effect, low = effect, high = effect, unit } = outcome;
  if (effect === undefined) return undefined;
  const border = borderOf(outcome);
  const values = [0, effect, low, high, border];
  const pad = (Math.max(...values) - Math.min(...values)) * 0.08 || 1;
  const least = Math.min(...values) - pad;
  const most = Math.max(...values) + pad;
  const width = 560;
  const x = (value) => ((value - least) / (most - least)) * width;
  const shade = lowerIsBetter(outcome) ? [x(border), width] : [0, x(border)];
  const anchor = (value) =>
    x(value) > width * 0.75 ? 'end' : x(value) < width * 0.25 ? 'start' : 'middle';
  return el(
    'svg',
    {
      class: `interval ${kindOf(outcome.outcome)}`,
      viewBox: `0 0 ${width} 46`,
      role: 'img',
      'aria-label': inWords(outcome),
    },
    el('rect', {
      class: 'beyond',
      x: shade[0],
      y: 0,
      width: Math.max(0, shade[1] - shade[0]),
      height: 32,
    }),
    el('line', { class: 'zero', x1: x(0), x2: x(0), y1: 2, y2: 32 }),
    el('line', { class: 'limit', x1: x(border), x2: x(border), y1: 0, y2: 34 }),
    el('line', { class: 'bar', x1: x(low), x2: x(high), y1: 17, y2: 17 }),
    el('line', { class: 'bar', x1: x(low), x2: x(low), y1: 10, y2: 24 }),
    el('line', { class: 'bar', x1: x(high), x2: x(high), y1: 10, y2: 24 }),
    el('circle', { class: 'dot', cx: x(effect), cy: 17, r: 6 }),
    el(
      'text',
      { x: x(border), y: 44, 'text-anchor': anchor(border) },
      `limit ${number(border, unit)}`,
    ),
    Math.abs(x(0) - x(border)) > 90
      ? el('text', { x: x(0), y: 44, 'text-anchor': anchor(0) }, '0')
      : undefined,
  );
}

export function thresholdList(outcomes) {
  return el(
    'ul',
    { class: 'thresholds' },
    outcomes.map((one) =>
      el(
        'li',
        {},
        el('header', {}, mark(one.outcome), el('code', {}, one.threshold)),
        el('p', {}, one.sentence),
        intervalChart(one),
        el('p', { class: 'quiet' }, inWords(one)),
      ),
    ),
  );
}
