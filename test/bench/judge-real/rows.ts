/** Verdicts counted, with exact intervals. Pure. */
import { clopperPearson } from '../../../gate-service/src/statistics/proportions.ts';
import type { PushedBuild } from './record.ts';
import { peers, type Peer, type Verdict } from './verdicts.ts';

export type Gate = 'speed-gate' | Peer;

export interface JudgedPush {
  readonly build: PushedBuild;
  readonly verdict: Verdict;
  /** Of windows, up to the look that decided. */
  readonly seconds: number;
  /** Why, when it is `invalid`: the controls that failed. */
  readonly because: readonly string[];
  /** Effect by threshold, where one could be estimated. */
  readonly effects: Readonly<Record<string, number>>;
  /** Absent when there is nothing to judge. */
  readonly peers?: Readonly<Record<Peer, Verdict>>;
}

export interface Count {
  readonly count: number;
  readonly share: number;
  /** Clopper–Pearson, 95 %. */
  readonly low: number;
  readonly high: number;
}

export interface Row {
  readonly build: PushedBuild;
  readonly gate: Gate;
  readonly pushes: number;
  readonly breached: Count;
  readonly pass: Count;
  readonly inconclusive: Count;
  readonly invalid: Count;
  /** Mean seconds of windows; the peers take all there are. */
  readonly meanSeconds: number;
  /** Of the gate: how often each reason for `invalid` came up. */
  readonly invalidBecause?: Readonly<Record<string, number>>;
  /** Of the gate: mean effect by threshold over the pushes that have one, as the threshold's unit. */
  readonly meanEffects?: Readonly<Record<string, number>>;
}

const LEVEL = 0.025;

/**
 * One row for each build and gate; builds without pushes have none.
 * @param allSeconds of all windows of a push
 */
export function rowsOf(pushes: readonly JudgedPush[], allSeconds: number): Row[] {
  return (['same', 'slow'] as const).flatMap((build) => {
    const own = pushes.filter((push) => push.build === build);
    if (own.length === 0) return [];
    const gate: Row = {
      ...row(
        build,
        'speed-gate',
        own.map(({ verdict }) => verdict),
      ),
      meanSeconds: mean(own.map(({ seconds }) => seconds)),
      invalidBecause: tally(
        own.filter(({ verdict }) => verdict === 'invalid').flatMap(({ because }) => because),
      ),
      meanEffects: meanEffects(own),
    };
    return [
      gate,
      ...peers.map((peer) => ({
        ...row(
          build,
          peer,
          own.flatMap((push) => push.peers?.[peer] ?? []),
        ),
        meanSeconds: allSeconds,
      })),
    ];
  });
}

function row(
  build: PushedBuild,
  gate: Gate,
  verdicts: readonly Verdict[],
): Omit<Row, 'meanSeconds'> {
  const count = (wanted: Verdict): Count => {
    const tallied = {
      hits: verdicts.filter((verdict) => verdict === wanted).length,
      total: verdicts.length,
    };
    const share = verdicts.length === 0 ? 0 : tallied.hits / tallied.total;
    return { count: tallied.hits, share, ...clopperPearson(tallied, LEVEL) };
  };
  return {
    build,
    gate,
    pushes: verdicts.length,
    breached: count('breached'),
    pass: count('pass'),
    inconclusive: count('inconclusive'),
    invalid: count('invalid'),
  };
}

function meanEffects(pushes: readonly JudgedPush[]): Record<string, number> {
  const byThreshold = Map.groupBy(
    pushes.flatMap(({ effects }) => Object.entries(effects)),
    ([threshold]) => threshold,
  );
  return Object.fromEntries(
    [...byThreshold].map(([threshold, all]) => [threshold, mean(all.map(([, effect]) => effect))]),
  );
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
