/** What the log holds of one kind of request: counts, and values of allowed query parameters. Pure. */
import type { ReplayableMethod } from './request-target.ts';
import { isRouteWord } from './path-template.ts';

/** More different names or values of one kind are not remembered; a client can make up any number. */
const MAX_NAMES = 50;
const MAX_ROWS = 1000;
/** Longest value that is kept, characters. */
const MAX_VALUE = 200;

export class KindTally {
  readonly method: ReplayableMethod;
  readonly template: string;
  requests = 0;
  readonly statuses = new Map<number, number>();
  /** Names of query parameters that look like a developer's. */
  readonly names = new Map<string, number>();
  /** Requests by the values of all allowed parameters, in their order; JSON. */
  readonly rows = new Map<string, number>();

  constructor(method: ReplayableMethod, template: string) {
    this.method = method;
    this.template = template;
  }

  /** @param query without `?` */
  add(status: number, query: string, allowed: readonly string[]): void {
    this.requests += 1;
    count(this.statuses, status, 1, 600);
    if (query === '') return;
    const parameters = parametersOf(query);
    for (const name of parameters.keys()) {
      if (isRouteWord(name) || allowed.includes(name)) count(this.names, name, 1, MAX_NAMES);
    }
    if (!allowed.some((name) => parameters.has(name))) return;
    const values = allowed.map((name) => parameters.get(name)?.slice(0, MAX_VALUE) ?? '');
    count(this.rows, JSON.stringify(values.map((value) => value.toWellFormed())), 1, MAX_ROWS);
  }

  /** Requests answered below 400. */
  get succeeded(): number {
    let succeeded = 0;
    for (const [status, times] of this.statuses) if (status < 400) succeeded += times;
    return succeeded;
  }

  addAll(other: KindTally): void {
    this.requests += other.requests;
    for (const [status, times] of other.statuses) count(this.statuses, status, times, 600);
    for (const [name, times] of other.names) count(this.names, name, times, MAX_NAMES);
    for (const [row, times] of other.rows) count(this.rows, row, times, MAX_ROWS);
  }
}

/** At twice the most that are remembered the rarer half goes, so that what comes often stays. */
function count<K>(counts: Map<K, number>, key: K, times: number, most: number): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
  if (counts.size < 2 * most) return;
  const rarer = [...counts].sort(([, a], [, b]) => b - a).slice(most);
  for (const [name] of rarer) counts.delete(name);
}

/** First value of each parameter, decoded; a parameter without `=` may be a value itself and is left out. */
function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&', 100)) {
    const equals = part.indexOf('=');
    if (equals <= 0) continue;
    const name = part.slice(0, equals);
    if (!parameters.has(name)) parameters.set(name, decode(part.slice(equals + 1)));
  }
  return parameters;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
