/** What the bench of the cluster says of what it measured. Pure. */
import type { RunView } from '../../../gate-service/src/runs/run.ts';

/** Milliseconds from a change's begin; of the change as a whole, API server and proxies. */
export interface WeightChange {
  /** The API server has taken the routes. */
  readonly appliedMs: number;
  /** Every gateway's Envoy has them. */
  readonly inEffectMs: number;
  /** The metrics show a request of the arm that had none before; absent where the arm lost its share. */
  readonly seenMs?: number;
}

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly worst: number;
}

export interface Users {
  readonly requests: number;
  readonly failed: number;
}

export interface WeightsRow extends Users {
  readonly changes: number;
  readonly perSecond: number;
  readonly appliedMs: Spread;
  readonly inEffectMs: Spread;
  readonly seenMs: Spread;
}

export interface PushRow {
  readonly decision: string;
  readonly cause: string;
  /** From the request to the decision. */
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
}

export function weightsRow(
  changes: readonly WeightChange[],
  perSecond: number,
  users: Users,
): WeightsRow {
  return {
    changes: changes.length,
    perSecond,
    ...users,
    appliedMs: spread(changes.map(({ appliedMs }) => appliedMs)),
    inEffectMs: spread(changes.map(({ inEffectMs }) => inEffectMs)),
    seenMs: spread(changes.flatMap(({ seenMs }) => seenMs ?? [])),
  };
}

/** A phase that a run was in more than once counts with all of its time. */
export function pushRow({
  cause,
  decision,
  phases,
}: Pick<RunView, 'cause' | 'decision' | 'phases'>): PushRow {
  const byPhase: Record<string, number> = {};
  for (const { phase, seconds } of phases) byPhase[phase] = (byPhase[phase] ?? 0) + seconds;
  const rounded = Object.entries(byPhase).map(([phase, seconds]) => [phase, tenths(seconds)]);
  return {
    decision: decision ?? 'none',
    cause: cause ?? 'none',
    seconds: tenths(phases.reduce((sum, { seconds }) => sum + seconds, 0)),
    phases: Object.fromEntries(rounded) as Record<string, number>,
  };
}

/** @throws Error for no values at all: nothing measured is no zero */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted[Math.ceil(sorted.length / 2) - 1];
  const worst = sorted.at(-1);
  if (middle === undefined || worst === undefined) throw new Error('nothing was measured');
  return { count: sorted.length, p50: Math.round(middle), worst: Math.round(worst) };
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
