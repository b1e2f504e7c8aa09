/** Trajectories of the sessions as SVG: one panel a workload, evaluations from left to right. */
import type { EvaluationPoint } from './session.ts';
import type { Pass } from './rows.ts';
import type { Objective } from './workloads.ts';

export interface Panel {
  readonly workload: string;
  readonly objective: Objective;
  readonly stock: number;
  readonly handTuned: number;
  readonly sessions: readonly {
    readonly pass: Pass;
    readonly points: readonly EvaluationPoint[];
  }[];
}

const SIZE = { width: 420, height: 260, left: 58, right: 14, top: 34, bottom: 40 } as const;
const COLOURS: Readonly<Record<Pass, string>> = { first: '#1f5fa8', memory: '#b4561a' };
const LEGEND_HEIGHT = 28;
const COLUMNS = 2;

/** Deterministic text; numbers with two decimals at most. */
export function plotOf(panels: readonly Panel[]): string {
  const columns = Math.min(COLUMNS, Math.max(1, panels.length));
  const width = columns * SIZE.width;
  const height = Math.ceil(panels.length / columns) * SIZE.height + LEGEND_HEIGHT;
  const drawn = panels.map((panel, index) => {
    const x = (index % columns) * SIZE.width;
    const y = Math.floor(index / columns) * SIZE.height;
    return `<g transform="translate(${x} ${y})">${panelOf(panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...drawn,
    legend(height - 10),
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({ workload, objective, stock, handTuned, sessions }: Panel): string {
  const points = sessions.flatMap((session) => session.points);
  const readings = points.flatMap(({ measured }) => (measured === undefined ? [] : [measured]));
  const most = niceCeiling(1.05 * Math.max(stock, handTuned, ...readings));
  const last = Math.max(2, ...points.map(({ evaluation }) => evaluation));
  const inner = {
    width: SIZE.width - SIZE.left - SIZE.right,
    height: SIZE.height - SIZE.top - SIZE.bottom,
  };
  const x = (evaluation: number): number =>
    SIZE.left + ((evaluation - 1) / (last - 1)) * inner.width;
  const y = (reading: number): number => SIZE.top + (1 - reading / most) * inner.height;
  const unit = objective === 'throughput' ? 'right answers per second' : 'p95 in ms';
  const level = (reading: number, name: string, dashes: string): string =>
    `<line x1="${SIZE.left}" x2="${SIZE.left + inner.width}" y1="${n(y(reading))}" y2="${n(y(reading))}" stroke="#777" stroke-dasharray="${dashes}"/>` +
    `<text x="${SIZE.left + inner.width}" y="${n(y(reading) - 3)}" text-anchor="end" fill="#555">${name}</text>`;
  return [
    `<text x="${SIZE.left}" y="18" font-size="13">${escaped(workload)}: ${unit}</text>`,
    `<path d="M${SIZE.left} ${SIZE.top}V${SIZE.top + inner.height}H${SIZE.left + inner.width}" fill="none" stroke="#333"/>`,
    ...[0, most / 2, most].map(
      (reading) =>
        `<text x="${SIZE.left - 6}" y="${n(y(reading) + 4)}" text-anchor="end">${short(reading)}</text>`,
    ),
    `<text x="${SIZE.left}" y="${SIZE.height - 22}" text-anchor="middle">1</text>`,
    `<text x="${n(x(last))}" y="${SIZE.height - 22}" text-anchor="middle">${last}</text>`,
    `<text x="${SIZE.left + inner.width / 2}" y="${SIZE.height - 8}" text-anchor="middle">evaluation</text>`,
    level(stock, 'stock', '2 3'),
    level(handTuned, 'hand-tuned', '7 3'),
    ...sessions.map((session) => sessionOf(session.points, COLOURS[session.pass], x, y)),
  ].join('');
}

function sessionOf(
  points: readonly EvaluationPoint[],
  colour: string,
  x: (evaluation: number) => number,
  y: (reading: number) => number,
): string {
  const marks = points.map(({ evaluation, measured, verdict, sentence }) => {
    const [at, height] = [x(evaluation), y(measured ?? 0)];
    const title = `<title>${escaped(sentence)}</title>`;
    if (verdict === 'unsafe') {
      return `<path d="M${n(at - 4)} ${n(height - 4)}l8 8m0 -8l-8 8" stroke="#c00" stroke-width="2">${title}</path>`;
    }
    const fill = verdict === 'adopted' || verdict === 'started' ? colour : '#fff';
    return `<circle cx="${n(at)}" cy="${n(height)}" r="4" fill="${fill}" stroke="${colour}">${title}</circle>`;
  });
  // The configuration in force, from one adoption to the next.
  const steps = points.filter(({ verdict }) => verdict === 'started' || verdict === 'adopted');
  const end = points.at(-1)?.evaluation;
  const line = steps.map(({ evaluation, measured = 0 }, index) =>
    index === 0
      ? `M${n(x(evaluation))} ${n(y(measured))}`
      : `H${n(x(evaluation))}V${n(y(measured))}`,
  );
  const path =
    line.length === 0 || end === undefined
      ? ''
      : `<path d="${line.join('')}H${n(x(end))}" fill="none" stroke="${colour}" stroke-opacity="0.5"/>`;
  return path + marks.join('');
}

function legend(y: number): string {
  const dot = (x: number, colour: string, fill: string): string =>
    `<circle cx="${x}" cy="${y - 4}" r="4" fill="${fill}" stroke="${colour}"/>`;
  return [
    dot(20, COLOURS.first, COLOURS.first),
    `<text x="28" y="${y}">first session</text>`,
    dot(118, COLOURS.memory, COLOURS.memory),
    `<text x="126" y="${y}">with memory</text>`,
    `<text x="214" y="${y}">filled: start or adopted; hollow: rejected; cross: unsafe</text>`,
  ].join('');
}

/** 1, 2 or 5 times a power of ten, at least `value`. */
function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10);
}

function short(value: number): string {
  return value >= 10_000 ? `${value / 1000}k` : String(value);
}

function n(value: number): string {
  return String(Number(value.toFixed(2)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
