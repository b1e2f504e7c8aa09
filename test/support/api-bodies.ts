/** What the API takes, by its own description, with a right example of every body and ways to make it wrong. */
import { CANDIDATE, CONFIGURATION, IN_FORCE } from './real-api.ts';

export const reason = 'because the test says so';

export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
}
export interface Operation {
  readonly parameters?: readonly { in: string; name: string; schema: Schema }[];
  readonly requestBody?: { content: Readonly<Record<string, { schema?: Schema }>> };
}
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** A right body with every field, for each operation that takes JSON. */
export const BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'post /v1/runs': {
    service: 'checkout',
    build: CANDIDATE,
    label: '1.2.3',
    workload: {
      rate: 100,
      arrivals: 'poisson',
      freshConnections: 0.5,
      phases: { apply: 'once', steps: [{ seconds: 5, factor: 2 }] },
      requests: [
        {
          name: 'cart',
          weight: 1,
          method: 'POST',
          path: '/cart',
          headers: { 'x-test': 'a' },
          body: 'b',
          expect: { status: 200, bodyPattern: 'ok' },
          data: { order: 'random', columns: ['id'], rows: [['1'], ['2']] },
        },
      ],
    },
    thresholds: ['p50 <= baseline + 5%'],
    tune: { evaluations: 1, seconds: 10 },
    against: 'production',
    promote: 'never',
    profile: 'quick',
    startedBy: 'ann',
    wake: { endpoint: 'jenkins', token: 'abc' },
  },
  'post /v1/runs/{id}/override': { order: 'rollback', reason, expiresAt: '2026-01-02T00:00:00Z' },
  'post /v1/runs/{id}/judgements': {
    thresholds: ['p50 < 1s'],
    shown: ['p95 < 1s'],
    controls: 'optional',
    seed: 1,
    measurement: 'm-1',
  },
  'put /v1/services/{name}/reference': { build: IN_FORCE, reason },
  'post /v1/services/{name}/promotions': {
    build: IN_FORCE,
    configuration: CONFIGURATION,
    reason,
  },
};

const exists: Readonly<Record<string, string>> = {
  id: 'finished-checkout',
  name: 'checkout',
  sha256: CANDIDATE,
  judgement: 'judgement-checkout',
};
/** The address of something that exists. */
export const filled = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exists[name] ?? name);

/** Every operation: method, path, description. */
export function* operations(paths: Paths): Generator<readonly [string, string, Operation]> {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) yield [method, path, operation];
  }
}

export interface Change {
  readonly pointer: string;
  readonly what: string;
  readonly body: unknown;
}

/** The body with the value at the path replaced, or without it. */
export function changed(
  body: unknown,
  path: readonly (string | number)[],
  value: unknown,
): unknown {
  const copy = structuredClone(body) as Record<string | number, unknown>;
  let at = copy;
  for (const part of path.slice(0, -1)) at = at[part] as typeof at;
  const last = path.at(-1)!;
  if (value === undefined) Reflect.deleteProperty(at, last);
  else at[last] = value;
  return copy;
}

const NUL = 'with a \0 character';
const HALF = 'half a character \ud83d';

/** Values that cannot stand where this one stands. */
function wrongFor(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return [null, true, 7, [], {}, ['a'], { a: 1 }, NUL, HALF];
  if (typeof value === 'number') return [null, true, '1', [], {}, -1e300, 1e300, '__HUGE__'];
  if (Array.isArray(value)) return [null, true, 7, 'a', {}, [null], [[[]]]];
  return [null, true, 7, 'nonsense', []];
}

/** Every field of the body with every wrong value, and objects with a field too many. */
export function* changes(
  body: unknown,
  value: unknown = body,
  path: readonly (string | number)[] = [],
): Generator<Change> {
  const pointer = path.map((part) => `/${part}`).join('');
  if (path.length > 0) {
    for (const other of wrongFor(value)) {
      yield { pointer, what: JSON.stringify(other).slice(0, 40), body: changed(body, path, other) };
    }
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield* changes(body, inner, [...path, Array.isArray(value) ? Number(key) : key]);
  }
  // Headers have any name.
  if (Array.isArray(value) || pointer.endsWith('/headers')) return;
  const more = [...path, 'surplus'];
  yield { pointer: pointer === '' ? '' : pointer, what: 'surplus', body: changed(body, more, 1) };
}
