/**
 * One arm's requests of one window, in columns: a measurement holds some hundred thousand requests
 * and is judged at several looks, so that each window is sorted once and remembered.
 */
import type { Tally } from '../statistics/proportions.ts';

/** Numbers for the words of a measurement: kinds of requests, launches, arms. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = [];

  number(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const number = this.#words.length;
    this.#numbers.set(word, number);
    this.#words.push(word);
    return number;
  }

  word(number: number): string {
    return this.#words[number] ?? '';
  }

  find(word: string): number | undefined {
    return this.#numbers.get(word);
  }
}

export interface Columns {
  /** Milliseconds; +∞ for a request that failed or timed out: it never came back. */
  readonly latencyMs: Float64Array;
  readonly intendedUs: Float64Array;
  readonly kind: Uint32Array;
  readonly launch: Uint32Array;
}

export interface Dictionaries {
  readonly kinds: Names;
  readonly launches: Names;
}

export class ArmWindow {
  readonly #columns: Columns;
  readonly #names: Dictionaries;
  readonly #sorted = new Map<string | undefined, Float64Array>();
  readonly #inTime = new Map<string | undefined, Float64Array>();
  readonly #byLaunch = new Map<string | undefined, ReadonlyMap<string, Float64Array>>();
  #tallies: ReadonlyMap<string, Tally> | undefined;

  constructor(columns: Columns, names: Dictionaries) {
    this.#columns = columns;
    this.#names = names;
  }

  get length(): number {
    return this.#columns.latencyMs.length;
  }

  get latencyMs(): Float64Array {
    return this.#columns.latencyMs;
  }

  get intendedUs(): Float64Array {
    return this.#columns.intendedUs;
  }

  /** Requests of a kind, or all. */
  count(kind?: string): number {
    return kind === undefined ? this.length : (this.tallies().get(kind)?.total ?? 0);
  }

  /** Latencies of a kind, or all, ascending. Not to be changed. */
  sorted(kind?: string): Float64Array {
    const known = this.#sorted.get(kind);
    if (known !== undefined) return known;
    const values = this.#chosen(kind).sort();
    this.#sorted.set(kind, values);
    return values;
  }

  /**
   * Latencies of a kind, or all, by intended time; among equal times by latency, so that the order of
   * the file's lines means nothing. Not to be changed.
   */
  inOrderOfTime(kind?: string): Float64Array {
    const known = this.#inTime.get(kind);
    if (known !== undefined) return known;
    const { intendedUs, latencyMs, kind: kinds } = this.#columns;
    const wanted = kind === undefined ? undefined : this.#names.kinds.find(kind);
    const rows = new Uint32Array(this.count(kind));
    let next = 0;
    for (let row = 0; row < latencyMs.length; row += 1) {
      if (kind === undefined || kinds[row] === wanted) rows[next++] = row;
    }
    rows.sort((a, b) => {
      const apart = (intendedUs[a] ?? 0) - (intendedUs[b] ?? 0);
      if (apart !== 0) return apart;
      const [one = 0, other = 0] = [latencyMs[a], latencyMs[b]];
      return one < other ? -1 : Number(one > other);
    });
    const values = Float64Array.from(rows, (row) => latencyMs[row] ?? NaN);
    this.#inTime.set(kind, values);
    return values;
  }

  /** Failures among the requests of each kind. */
  tallies(): ReadonlyMap<string, Tally> {
    if (this.#tallies !== undefined) return this.#tallies;
    const counts = new Map<number, { hits: number; total: number }>();
    const { kind, latencyMs } = this.#columns;
    for (let row = 0; row < kind.length; row += 1) {
      const number = kind[row] ?? 0;
      let count = counts.get(number);
      if (count === undefined) counts.set(number, (count = { hits: 0, total: 0 }));
      count.total += 1;
      if (latencyMs[row] === Infinity) count.hits += 1;
    }
    const named = [...counts].map(([number, tally]) => [this.#names.kinds.word(number), tally]);
    this.#tallies = new Map(named as [string, Tally][]);
    return this.#tallies;
  }

  /** Names of the launches that answered, each once; `-` where none did. */
  launches(): string[] {
    return [...new Set(this.#columns.launch)].map((number) => this.#names.launches.word(number));
  }

  /** Latencies by launch, of a kind or all, each ascending. Not to be changed. */
  byLaunch(kind?: string): ReadonlyMap<string, Float64Array> {
    const known = this.#byLaunch.get(kind);
    if (known !== undefined) return known;
    const { kind: kinds, latencyMs, launch } = this.#columns;
    const wanted = kind === undefined ? undefined : this.#names.kinds.find(kind);
    const lists = new Map<number, number[]>();
    for (let row = 0; row < latencyMs.length; row += 1) {
      if (kind !== undefined && kinds[row] !== wanted) continue;
      const number = launch[row] ?? 0;
      const list = lists.get(number);
      if (list === undefined) lists.set(number, [latencyMs[row] ?? NaN]);
      else list.push(latencyMs[row] ?? NaN);
    }
    const named = new Map<string, Float64Array>();
    for (const [number, list] of lists) {
      named.set(this.#names.launches.word(number), new Float64Array(list).sort());
    }
    this.#byLaunch.set(kind, named);
    return named;
  }

  #chosen(kind: string | undefined): Float64Array {
    const { latencyMs, kind: kinds } = this.#columns;
    if (kind === undefined) return latencyMs.slice();
    const wanted = this.#names.kinds.find(kind);
    if (wanted === undefined) return new Float64Array();
    const chosen = new Float64Array(this.count(kind));
    let next = 0;
    for (let row = 0; row < kinds.length; row += 1) {
      if (kinds[row] === wanted) chosen[next++] = latencyMs[row] ?? NaN;
    }
    return chosen;
  }
}
