/**
 * Control for arms of two to five nodes, which are too few to repeat the effect over launches: would
 * the outcome be another one without one node, and does that node differ from its siblings, which run
 * the identical build? Then the outcome tells of a node, not of a build.
 *
 * A `breached` fails it when leaving out one such node brings the estimate below the margin, a `met`
 * only when leaving one out would prove a breach. That a node differs is shown on the blocks of
 * launches.ts, at 0.1 % over all nodes and thresholds; nodes that differ without turning an outcome
 * are told, not held against the run. With two nodes on one side it cannot be known which is the bad one:
 * each is left out in turn.
 */
import { estimateLocation, lowerBound, pAbove, meanAndVariance } from '../statistics/location.ts';
import { notRun } from './controls.ts';
import { frame } from './finding.ts';
import type { ControlOutcome, Outcome } from './judgement.ts';
import { findLaunches, launchesDecide, type Launch, type Launches } from './launches.ts';
import type { LookLevels } from './looks.ts';
import { milliseconds, signedPercent } from './numbers.ts';
import { metricName, type Threshold } from './threshold.ts';
import type { ComparedWindow } from './windows.ts';

/** Chance that nodes are said to differ although they do not, over all of them. */
const LEVEL = 0.001;

/** A latency threshold against the baseline, and what came out. */
export interface DecidedThreshold {
  readonly threshold: Threshold;
  readonly outcome: Outcome;
}

/** @param decided latency thresholds against the baseline only */
export function nodesControl(
  decided: readonly DecidedThreshold[],
  windows: readonly ComparedWindow[],
  levels: LookLevels,
): ControlOutcome | undefined {
  if (decided.length === 0) return undefined;
  const seen = decided.flatMap(({ threshold, outcome }) => {
    const { metric, kind } = threshold;
    if (metric.name !== 'latency') return [];
    const form = threshold.unit === '%' ? ('log' as const) : ('ms' as const);
    const question = { q: metric.percent / 100, form, ...(kind === undefined ? {} : { kind }) };
    const launches = findLaunches(windows, question);
    return launches === undefined ? [] : [{ threshold, outcome, form, launches }];
  });
  if (seen.length === 0) return notRun('nodes', true, 'the nodes of an arm cannot be told apart');
  if (seen.some(({ launches }) => launchesDecide(launches))) {
    const [first] = seen;
    const counts = `${first?.launches.reference.length ?? 0} and ${first?.launches.subject.length ?? 0}`;
    return notRun('nodes', true, `the arms have ${counts} launches, whose means decide`);
  }
  if (
    seen.every(({ launches: { reference, subject } }) => reference.length + subject.length <= 2)
  ) {
    return notRun('nodes', true, 'each arm has one node');
  }
  const tests = seen.reduce(
    (sum, { launches: { reference, subject } }) => sum + reference.length + subject.length,
    0,
  );
  let greatest: { readonly size: number; readonly text: string } | undefined;
  for (const { threshold, outcome, form, launches } of seen) {
    const name = metricName(threshold.metric);
    const { limit } = frame(threshold);
    const margin = form === 'log' ? Math.log1p(limit) : limit;
    const shown = (value: number): string =>
      form === 'log' ? signedPercent(Math.expm1(value)) : milliseconds(value);
    for (const node of eachNode(launches)) {
      const difference = estimateLocation(node.againstSiblings);
      if (difference === undefined) continue;
      const p = pAbove(difference, 0);
      const differs = 2 * Math.min(p, 1 - p) < LEVEL / tests;
      const size = Math.abs(difference.estimate) / margin;
      if (greatest === undefined || size > greatest.size) {
        greatest = { size, text: `${shown(Math.abs(difference.estimate))} in ${name}` };
      }
      const without = estimateLocation(node.effectWithout);
      if (!differs || without === undefined) continue;
      const turns =
        (outcome === 'breached' && without.estimate < margin) ||
        (outcome === 'met' && lowerBound(without, levels.breach) > margin);
      if (!turns) continue;
      return {
        control: 'nodes',
        passed: false,
        effect: form === 'log' ? Math.expm1(difference.estimate) : difference.estimate,
        sentence: `the outcome of ${name} rests on one node: ${node.name} shows ${shown(difference.estimate)} against the other nodes of the same build, and without it the candidate shows ${shown(without.estimate)}`,
      };
    }
  }
  return {
    control: 'nodes',
    passed: true,
    sentence:
      greatest === undefined
        ? 'the outcome rests on no single node'
        : `nodes of the same build differ by at most ${greatest.text}; the outcome rests on no single one`,
  };
}

interface NodeLeftOut {
  readonly name: string;
  /** Per block: this node against the mean of the others of its arm. */
  readonly againstSiblings: readonly number[];
  /** Per block: the arms' difference without it. */
  readonly effectWithout: readonly number[];
}

function eachNode({ reference, subject }: Launches): NodeLeftOut[] {
  const leaveOut = (
    own: readonly Launch[],
    difference: (others: number, block: number) => number,
  ): NodeLeftOut[] =>
    own.length < 2
      ? []
      : own.map((node) => {
          const siblings = own.filter((one) => one !== node);
          const others = node.values.map((_, block) => meanAt(siblings, block));
          return {
            name: node.name,
            againstSiblings: node.values.map((value, block) => value - (others[block] ?? NaN)),
            effectWithout: others.map(difference),
          };
        });
  return [
    ...leaveOut(subject, (others, block) => others - meanAt(reference, block)),
    ...leaveOut(reference, (others, block) => meanAt(subject, block) - others),
  ].filter(({ effectWithout }) => effectWithout.every(Number.isFinite));
}

function meanAt(launches: readonly Launch[], block: number): number {
  return meanAndVariance(launches.map(({ values }) => values[block] ?? NaN)).mean;
}
