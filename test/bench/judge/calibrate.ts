/**
 * Makes gate-service/src/statistics/calibration-table.ts by simulation:
 *
 *     node test/bench/judge/calibrate.ts [--paths N]         (500000; some minutes on one core)
 *
 * For each planned number of windows: paths of independent normal window effects; at every look the
 * t statistic of location.ts. The critical value of a look is the one that as many of the paths that
 * never crossed before exceed as power-2 spending allows (Kim & DeMets 1987: alpha·t² up to the part
 * t of the windows). Stored is its one-sided level in Student's distribution. Each path counts twice,
 * mirrored. `check-calibration.ts` holds the table against other paths and other distributions.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { studentUpperTail } from '../../../gate-service/src/statistics/distributions.ts';
import { trimmedPerSide } from '../../../gate-service/src/statistics/location.ts';
import {
  lookSchedule,
  MINIMUM_WINDOWS,
} from '../../../gate-service/src/statistics/look-schedule.ts';
import { FastRandom } from './fast-random.ts';

const MOST_WINDOWS = 60;
const SEED = 20_261_121;
const file = fileURLToPath(
  new URL('../../../gate-service/src/statistics/calibration-table.ts', import.meta.url),
);

const { values } = parseArgs({ options: { paths: { type: 'string', default: '500000' } } });
const paths = Number(values.paths);
if (!(paths >= 1000)) throw new Error('--paths: at least 1000');

const rows: string[] = [];
for (let planned = MINIMUM_WINDOWS; planned <= MOST_WINDOWS; planned += 1) {
  const looks = lookSchedule(planned);
  const statistics = simulate(looks, planned);
  const levels = (alpha: number): string =>
    spend(statistics, looks, alpha)
      .map((level) => Number(level.toPrecision(3)))
      .join(', ');
  rows.push(`  [${planned}, [${levels(0.05)}], [${levels(0.025)}]],`);
  console.error(rows.at(-1));
}
writeFileSync(
  file,
  `/**
 * One-sided levels by planned windows, of each look of lookSchedule(): for an error of 0.05 over all
 * looks, and for one of 0.025. Made by test/bench/judge/calibrate.ts from ${paths} paths each (counted
 * twice, mirrored; the simulation's own error is about ${(100 / Math.sqrt(2 * paths * 0.0028)).toFixed(0)} % of the smallest level).
 */
export const calibrationTable: readonly (readonly [
  planned: number,
  pass: readonly number[],
  breach: readonly number[],
])[] = [
${rows.join('\n')}
];
`,
);
console.error(`wrote ${file}`);

/** The t statistic of every path at every look. */
function simulate(looks: readonly number[], planned: number): Float32Array[] {
  const random = new FastRandom(SEED, planned);
  const statistics = looks.map(() => new Float32Array(paths));
  const sorted = new Float64Array(planned);
  for (let path = 0; path < paths; path += 1) {
    let count = 0;
    for (const [look, until] of looks.entries()) {
      for (; count < until; count += 1) insert(sorted, count, random.normal());
      const own = statistics[look];
      if (own !== undefined) own[path] = statistic(sorted, count);
    }
  }
  return statistics;
}

function insert(sorted: Float64Array, count: number, value: number): void {
  let at = count;
  while (at > 0 && (sorted[at - 1] ?? 0) > value) {
    sorted[at] = sorted[at - 1] ?? 0;
    at -= 1;
  }
  sorted[at] = value;
}

/** As location.ts computes it, without its checks and copies. */
function statistic(sorted: Float64Array, count: number): number {
  const cut = trimmedPerSide(count);
  const kept = count - 2 * cut;
  let sum = 0;
  for (let i = cut; i < count - cut; i += 1) sum += sorted[i] ?? 0;
  const first = sorted[cut] ?? 0;
  const last = sorted[count - cut - 1] ?? 0;
  const centre = (sum + cut * (first + last)) / count;
  let squares = cut * ((first - centre) ** 2 + (last - centre) ** 2);
  for (let i = cut; i < count - cut; i += 1) squares += ((sorted[i] ?? 0) - centre) ** 2;
  return sum / kept / Math.sqrt(squares / (kept * (kept - 1)));
}

function spend(
  statistics: readonly Float32Array[],
  looks: readonly number[],
  alpha: number,
): number[] {
  const planned = looks.at(-1) ?? 1;
  // Upward and mirrored paths that crossed already.
  const crossed = [new Uint8Array(paths), new Uint8Array(paths)] as const;
  let spent = 0;
  return looks.map((count, look) => {
    const own = statistics[look] ?? new Float32Array(paths);
    const target = Math.round(2 * paths * alpha * (count / planned) ** 2);
    const going: number[] = [];
    for (let path = 0; path < paths; path += 1) {
      const t = own[path] ?? 0;
      if (t > 0 && crossed[0][path] === 0) going.push(t);
      if (t < 0 && crossed[1][path] === 0) going.push(-t);
    }
    const high = Float32Array.from(going).sort();
    const step = target - spent;
    spent = target;
    const critical = high[high.length - step - 1] ?? Infinity;
    for (let path = 0; path < paths; path += 1) {
      const t = own[path] ?? 0;
      if (t > critical) crossed[0][path] = 1;
      if (-t > critical) crossed[1][path] = 1;
    }
    return studentUpperTail(critical, count - 2 * trimmedPerSide(count) - 1);
  });
}
