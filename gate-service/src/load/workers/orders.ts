/** What a worker of the sender is told while it sends, one order a line. Pure. */
import type { WorkerShare } from '../sender.ts';

export type SegmentKind = 'warm-up' | 'counted' | 'planted';

/** Windows in a row, of one length, that begin at one moment in all workers. */
export interface Segment {
  readonly kind: SegmentKind;
  /** Number of its first window. */
  readonly first: number;
  readonly windows: number;
  /** When it begins, microseconds since the measurement's start. */
  readonly atUs: number;
  /** Length of a window, microseconds. */
  readonly windowUs: number;
  /** The worker's part of the arrivals from here on. */
  readonly share: WorkerShare;
  /** Of a planted segment: with every second pair only. */
  readonly half: boolean;
}

export type Order =
  /** Says the worker's clock. */
  | { readonly order: 'clock' }
  /** The measurement's start on the worker's clock. */
  | { readonly order: 'begin'; readonly atUs: number }
  | { readonly order: 'segment'; readonly segment: Segment }
  /** No window after this one; one that has begun already is finished. */
  | { readonly order: 'last'; readonly window: number }
  /** No segment follows. */
  | { readonly order: 'end' };

/** Answers to `clock` and `last`, and what ends a worker: remarks between the lines of its samples. */
export const CLOCK_REMARK = '# clock: ';
export const READY_REMARK = '# worker: ready';
export const LAST_REMARK = '# last-window: ';
export const PROBLEM_REMARK = '# problem: ';

const NUMBER = '-?\\d+(?:\\.\\d+)?';
const BEGIN = new RegExp(`^begin (${NUMBER})$`);
const LAST = /^last (-?\d+)$/;
const SEGMENT = new RegExp(
  `^segment (warm-up|counted|planted) (-?\\d+) (\\d+) (${NUMBER}) (${NUMBER}) (\\d+)/(\\d+)( half)?$`,
);

export function formatOrder(order: Order): string {
  switch (order.order) {
    case 'clock':
    case 'end':
      return order.order;
    case 'begin':
      return `begin ${order.atUs.toFixed(1)}`;
    case 'last':
      return `last ${order.window}`;
    case 'segment': {
      const { atUs, first, half, kind, share, windowUs, windows } = order.segment;
      return `segment ${kind} ${first} ${windows} ${atUs.toFixed(1)} ${windowUs.toFixed(1)} ${share.place}/${share.of}${half ? ' half' : ''}`;
    }
  }
}

/** @returns undefined for a line that is no order */
export function parseOrder(line: string): Order | undefined {
  const text = line.trim();
  if (text === 'clock' || text === 'end') return { order: text };
  const begin = BEGIN.exec(text);
  if (begin !== null) return { order: 'begin', atUs: Number(begin[1]) };
  const last = LAST.exec(text);
  if (last !== null) return { order: 'last', window: Number(last[1]) };
  const segment = SEGMENT.exec(text);
  if (segment === null) return undefined;
  const [, kind, first, windows, atUs, windowUs, place, of, half] = segment;
  return {
    order: 'segment',
    segment: {
      kind: kind as SegmentKind,
      first: Number(first),
      windows: Number(windows),
      atUs: Number(atUs),
      windowUs: Number(windowUs),
      share: { place: Number(place), of: Number(of) },
      half: half !== undefined,
    },
  };
}

/** Number of a segment's last window. */
export function lastOf({ first, windows }: Segment): number {
  return first + windows - 1;
}
