/** Counts a log line by line; memory does not grow with it. Pure. */
import { BusyHours, type BusyHour } from './busy-hour.ts';
import { DurationHistogram } from './duration-histogram.ts';
import { KindTally } from './kind-tally.ts';
import type { LineParser } from './log-format.ts';
import { templateOf } from './path-template.ts';
import { parseRequestLine, type RequestTarget } from './request-target.ts';

export interface TallyOptions {
  readonly parse: LineParser;
  /** Query parameters whose values may be kept. */
  readonly allowQuery: readonly string[];
  /** Whether requests that change something are wanted. */
  readonly includeUnsafe: boolean;
  /** Only requests to this host, where a line says one; lower case. */
  readonly host?: string;
}

export interface LogSummary {
  readonly lines: number;
  /** Lines that are none of the format, or too long. */
  readonly broken: number;
  /** Lines whose request is no HTTP, or cannot be sent again (CONNECT, TRACE, `*`). */
  readonly notRequests: number;
  readonly otherHosts: number;
  /** Requests left out for their method. */
  readonly unsafe: number;
  /** Requests left out because too many kinds were there to count. */
  readonly rare: number;
  /** Requests of `kinds`. */
  readonly kinds: readonly KindTally[];
  readonly period?: { readonly first: number; readonly last: number };
  readonly busyHour?: BusyHour;
  /** 0-1; absent where the log does not tell. */
  readonly freshConnections?: number;
  /** Absent where the log has no durations. */
  readonly durations?: DurationHistogram;
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Kinds that are counted at a time. */
const MAX_KINDS = 20_000;

export class LogTally {
  readonly #options: TallyOptions;
  readonly #hours = new BusyHours();
  readonly #durations = new DurationHistogram();
  readonly #counts = { lines: 0, broken: 0, notRequests: 0, otherHosts: 0, unsafe: 0, rare: 0 };
  readonly #connections = { fresh: 0, known: 0 };
  #kinds = new Map<string, KindTally>();

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** @param line undefined for one that is too long */
  add(line: string | undefined): void {
    if (line === '') return;
    this.#counts.lines += 1;
    const entry = line === undefined ? undefined : this.#options.parse(line);
    if (entry === undefined) {
      this.#counts.broken += 1;
      return;
    }
    const target = parseRequestLine(entry.request);
    if (target === undefined) {
      this.#counts.notRequests += 1;
      return;
    }
    const host = target.host ?? entry.host;
    if (this.#options.host !== undefined && host !== undefined && host !== this.#options.host) {
      this.#counts.otherHosts += 1;
      return;
    }
    if (!this.#options.includeUnsafe && !SAFE.has(target.method)) {
      this.#counts.unsafe += 1;
      return;
    }
    this.#hours.add(entry.second);
    if (entry.microseconds !== undefined) this.#durations.add(entry.microseconds);
    if (entry.fresh !== undefined) {
      this.#connections.known += 1;
      if (entry.fresh) this.#connections.fresh += 1;
    }
    this.#kindOf(target).add(entry.status, target.query, this.#options.allowQuery);
  }

  summary(): LogSummary {
    const { fresh, known } = this.#connections;
    const { period } = this.#hours;
    const busyHour = this.#hours.busiest();
    return {
      ...this.#counts,
      kinds: [...this.#kinds.values()],
      ...(period === undefined ? {} : { period }),
      ...(busyHour === undefined ? {} : { busyHour }),
      ...(known === 0 ? {} : { freshConnections: fresh / known }),
      ...(this.#durations.count === 0 ? {} : { durations: this.#durations }),
    };
  }

  #kindOf({ method, path }: RequestTarget): KindTally {
    const template = templateOf(path);
    const key = `${method} ${template}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    if (this.#kinds.size >= MAX_KINDS) this.#forgetRare();
    const kind = new KindTally(method, template);
    this.#kinds.set(key, kind);
    return kind;
  }

  /** The half that succeeded less goes: what scanners make up fails, what counts comes again (lossy counting). */
  #forgetRare(): void {
    const sorted = [...this.#kinds].sort(([, a], [, b]) => b.succeeded - a.succeeded);
    for (const [, { requests }] of sorted.slice(MAX_KINDS / 2)) this.#counts.rare += requests;
    this.#kinds = new Map(sorted.slice(0, MAX_KINDS / 2));
  }
}
