/**
 * Holds the calibration table against paths it was not made from:
 *
 *     node test/bench/judge/check-calibration.ts [--paths N] [--planned 6,24,60]
 *
 * Per plan the share of paths (in per cent, promised 5 and 2.5) that cross at any look, through
 * estimateLocation() and pAbove() themselves:
 * - normal: independent normal window effects;
 * - contaminated: one window in ten ten times as noisy;
 * - skewed, mirrored: exponential effects, centred on what the estimator estimates: what a t test
 *   bears worst, and what differences of two equal builds, which are symmetric, never are;
 * - early end: 15 % of the windows never come, so that the last look is early;
 * - launches: means of 12 (and 6) launches an arm with a bias of 2 % each, Welch's t.
 */
import { parseArgs } from 'node:util';
import { calibratedLevels } from '../../../gate-service/src/statistics/calibration.ts';
import {
  differenceOfMeans,
  estimateLocation,
  pAbove,
  type LocationEstimate,
} from '../../../gate-service/src/statistics/location.ts';
import { lookSchedule } from '../../../gate-service/src/statistics/look-schedule.ts';
import { FastRandom } from './fast-random.ts';

const { values } = parseArgs({
  options: {
    paths: { type: 'string', default: '20000' },
    planned: { type: 'string' },
  },
});
const paths = Number(values.paths);
const plans =
  values.planned === undefined
    ? [...Array.from({ length: 55 }, (_, index) => 6 + index), 72, 96, 120, 240]
    : values.planned.split(',').map(Number);

type Draw = (random: FastRandom) => number;
const draws: Readonly<Record<string, Draw>> = {
  normal: (random) => random.normal(),
  contaminated: (random) => random.normal() * (random.next() < 0.1 ? 10 : 1),
  skewed: (random) => random.exponential(),
  mirrored: (random) => -random.exponential(),
};

for (const planned of plans) {
  const cells = [
    ...Object.entries(draws).map(([name, draw]) => share(name, planned, planned, draw)),
    share('early end', planned, Math.ceil(0.85 * planned), (random) => random.normal()),
    launches(planned, 12),
    launches(planned, 6),
  ];
  console.log(`${String(planned).padStart(4)}  ${cells.join('   ')}`);
}

/** Crossings upward; the true location under each draw is taken from the estimator's own mean. */
function share(name: string, planned: number, sent: number, draw: Draw): string {
  const random = new FastRandom(97, planned);
  const looks = [...lookSchedule(planned).filter((look) => look < sent), sent];
  const centre =
    name === 'skewed' || name === 'mirrored' ? centreOf(looks, draw) : looks.map(() => 0);
  return crossing(name, planned, looks, () => {
    const path = Array.from({ length: sent }, () => draw(random));
    return looks.map((count, look) => {
      const location = estimateLocation(path.slice(0, count));
      return location && { ...location, estimate: location.estimate - (centre[look] ?? 0) };
    });
  });
}

/** What the estimator estimates of a skewed distribution, at each look. */
function centreOf(looks: readonly number[], draw: Draw): number[] {
  const random = new FastRandom(98, 1);
  return looks.map((count) => {
    let sum = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const path = Array.from({ length: count }, () => draw(random));
      sum += estimateLocation(path)?.estimate ?? 0;
    }
    return sum / 20_000;
  });
}

/** A launch's bias stays, its mean's noise shrinks from look to look: 9 % in a window. */
function launches(planned: number, perArm: number): string {
  const random = new FastRandom(99, planned * 100 + perArm);
  const looks = lookSchedule(planned);
  return crossing(`${perArm} launches`, planned, looks, () => {
    const arms = [0, 1].map(() =>
      Array.from({ length: perArm }, () => ({ bias: 0.02 * random.normal(), sum: 0 })),
    );
    let count = 0;
    return looks.map((look) => {
      const noise = 0.09 * Math.sqrt((look - count) * perArm);
      for (const launch of arms.flat()) launch.sum += noise * random.normal();
      count = look;
      const [reference = [], subject = []] = arms.map((arm) =>
        arm.map(({ bias, sum }) => bias + sum / look),
      );
      return differenceOfMeans(subject, reference);
    });
  });
}

function crossing(
  name: string,
  planned: number,
  looks: readonly number[],
  path: () => readonly (LocationEstimate | undefined)[],
): string {
  const levels = looks.map((look, index) =>
    calibratedLevels(look, planned, index === looks.length - 1),
  );
  const crossed = { pass: 0, breach: 0 };
  for (let i = 0; i < paths; i += 1) {
    const p = path().map((location) => (location === undefined ? 1 : pAbove(location, 0)));
    for (const side of ['pass', 'breach'] as const) {
      if (p.some((value, look) => value < (levels[look]?.[side] ?? 0))) crossed[side] += 1;
    }
  }
  const percent = (count: number): string => ((100 * count) / paths).toFixed(2);
  return `${name} ${percent(crossed.pass)}/${percent(crossed.breach)}`;
}
