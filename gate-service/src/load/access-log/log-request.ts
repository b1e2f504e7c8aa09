/** One request of a workload from what the log holds of its kind. Pure. */
import type { DataTable } from '../workload-data.ts';
import type { KindTally } from './kind-tally.ts';
import { PARAMETER } from './path-template.ts';
import type { ReplayableMethod } from './request-target.ts';

export interface LogRequest {
  readonly name: string;
  readonly weight: number;
  readonly method: ReplayableMethod;
  readonly path: string;
  readonly expect: { readonly status?: number | readonly number[] };
  readonly data?: DataTable;
  /** For a person, follows the share of requests. */
  readonly comment: string;
}

/** A parameter belongs to a kind when this share of its requests has it. */
const COMMON = 0.5;
/** One whose values may be kept was asked for by name: rarer is enough. */
const COMMON_ALLOWED = 0.05;
const MAX_PARAMETERS = 10;
/** Rows that stand for the mix of values. */
const MAX_ROWS = 100;
const MAX_NAME = 40;
/** A status that fewer have is an exception, not what is expected. */
const USUAL = 0.01;

export function requestOf(kind: KindTally, allowQuery: readonly string[]): LogRequest {
  const { method, template, requests, names } = kind;
  const share = (name: string): number => (names.get(name) ?? 0) / requests;
  const allowed = allowQuery.filter((name) => share(name) >= COMMON_ALLOWED);
  const plain = [...names.keys()]
    .filter((name) => !allowQuery.includes(name) && share(name) >= COMMON)
    .sort((a, b) => share(b) - share(a) || (a < b ? -1 : 1))
    .slice(0, MAX_PARAMETERS);
  const columns = columnsFor(allowed);
  const query = [
    ...allowed.map((name, index) => `${name}=\${data.${columns[index] ?? ''}}`),
    ...plain.map((name) => `${name}=${PARAMETER}`),
  ].join('&');
  const rows = allowed.length === 0 ? [] : rowsOf(kind, allowQuery, allowed);
  const status = statusOf(kind);
  const dropped = template.includes(PARAMETER) || plain.length > 0;
  return {
    name: nameOf(kind),
    weight: requests,
    method,
    path: query === '' ? template : `${template}?${query}`,
    expect:
      status.length === 0 ? {} : { status: status.length === 1 ? (status[0] ?? 200) : status },
    ...(rows.length === 0 ? {} : { data: { order: 'random', columns, rows } }),
    comment: dropped ? '; ${sequence} stands for values that were dropped' : '',
  };
}

/** Names with a number where they would be there twice. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let number = 2; taken.has(unique); number += 1) {
      const suffix = `-${number}`;
      unique = `${name.slice(0, MAX_NAME - suffix.length)}${suffix}`;
    }
    taken.add(unique);
    return unique;
  });
}

function nameOf({ method, template }: KindTally): string {
  const words = template.split('/').map((segment) => (segment === PARAMETER ? 'id' : segment));
  const path = words.filter((word) => word !== '').join('-');
  const full = `${method === 'GET' ? '' : `${method}-`}${path === '' ? 'root' : path}`;
  return full
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_NAME);
}

/** Statuses below 400 that the kind usually has, as they are without conditions and ranges. */
function statusOf({ statuses }: KindTally): readonly number[] {
  const good = [...statuses].filter(([status]) => status >= 200 && status < 400);
  const all = good.reduce((sum, [, times]) => sum + times, 0);
  const usual = good
    .filter(([, times]) => times >= USUAL * all)
    .map(([status]) => (status === 304 || status === 206 ? 200 : status));
  return [...new Set(usual)].sort((a, b) => a - b);
}

/** Query parameters as columns, which have no dots. */
function columnsFor(names: readonly string[]): string[] {
  const columns = names.map((name) => {
    const column = name.replace(/[^A-Za-z0-9_-]/g, '_');
    return (/^[A-Za-z_]/.test(column) ? column : `_${column}`).slice(0, MAX_NAME);
  });
  return [...uniqueNames(columns)];
}

/** Values in proportion to how often they were asked for, each of the most frequent at least once. */
function rowsOf(
  { rows }: KindTally,
  allowQuery: readonly string[],
  allowed: readonly string[],
): string[][] {
  const counts = new Map<string, number>();
  for (const [row, times] of rows) {
    const values = JSON.parse(row) as string[];
    const kept = JSON.stringify(allowed.map((name) => values[allowQuery.indexOf(name)] ?? ''));
    counts.set(kept, (counts.get(kept) ?? 0) + times);
  }
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const frequent = sorted.slice(0, MAX_ROWS);
  const all = frequent.reduce((sum, [, times]) => sum + times, 0);
  if (frequent.length === 1) return frequent.map(([row]) => JSON.parse(row) as string[]);
  return frequent.flatMap(([row, times]) => {
    const copies = Math.max(1, Math.round((times / all) * MAX_ROWS));
    return Array.from({ length: copies }, () => JSON.parse(row) as string[]);
  });
}
