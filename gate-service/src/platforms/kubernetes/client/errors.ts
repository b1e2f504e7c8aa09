/** What the API server refused or could not do, once, in words for a person. */
import { z } from 'zod';
import { groupOf, wordsOf, type Place } from './kinds.ts';

export type KubernetesFailure =
  | 'unauthorized'
  | 'forbidden'
  | 'quota'
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'unreachable'
  | 'malformed';

/** An answer that may be another one in a moment. */
const PASSING: ReadonlySet<KubernetesFailure> = new Set([
  'throttled',
  'unavailable',
  'timeout',
  'unreachable',
]);

export interface FieldConflict {
  /** Who owns the field: a field manager's name. */
  readonly manager: string;
  readonly field: string;
}

export class KubernetesError extends Error {
  readonly failure: KubernetesFailure;
  /** HTTP status; absent where none came. */
  readonly status: number | undefined;
  /** For `conflict` on a server-side apply. */
  readonly conflicts: readonly FieldConflict[];
  /** Milliseconds that the server asked to be left alone for. */
  readonly retryAfterMs: number | undefined;
  constructor(
    failure: KubernetesFailure,
    message: string,
    options: ErrorOptions & {
      readonly status?: number;
      readonly conflicts?: readonly FieldConflict[];
      readonly retryAfterMs?: number | undefined;
    } = {},
  ) {
    super(message, options);
    this.name = 'KubernetesError';
    this.failure = failure;
    this.status = options.status;
    this.conflicts = options.conflicts ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same call may succeed later without anybody doing something. */
  get passing(): boolean {
    return PASSING.has(this.failure);
  }
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';

/** A call as the server's authorization sees it. */
export interface Attempted extends Place {
  readonly verb: Verb;
}

const statusSchema = z.looseObject({
  message: z.string().default(''),
  reason: z.string().default(''),
  details: z
    .looseObject({
      causes: z
        .array(
          z.looseObject({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
type Status = z.infer<typeof statusSchema>;

/**
 * The error for an answer of 400 and above.
 * @param retryAfter the header's value
 */
export function errorOfAnswer(
  attempted: Attempted,
  status: number,
  body: string,
  retryAfter?: string,
): KubernetesError {
  const parsed = statusSchema.safeParse(parseJson(body));
  const said: Status = parsed.success
    ? parsed.data
    : { message: body.slice(0, 300).trim(), reason: '', details: { causes: [] } };
  const what = `${attempted.verb} ${wordsOf(attempted)}`;
  const make = (
    failure: KubernetesFailure,
    message: string,
    more: { conflicts?: readonly FieldConflict[] } = {},
  ): KubernetesError =>
    new KubernetesError(failure, message, {
      status,
      retryAfterMs: millisecondsOf(retryAfter),
      ...more,
    });
  switch (status) {
    case 401:
      return make(
        'unauthorized',
        `The API server does not know who the gate is (401 on ${what}): its token or certificate is missing, wrong or expired. Check the kubeconfig or the service account it runs with.`,
      );
    case 403:
      return said.message.includes('exceeded quota')
        ? make('quota', `${what}: ${said.message}. Raise the quota or free some of it.`)
        : make('forbidden', forbidden(attempted, said.message));
    case 404:
      return make('not-found', `${what}: ${said.message || 'there is none'}`);
    case 409:
      return conflict(attempted, said, make);
    case 429:
      return make('throttled', `The API server asks for fewer requests (429 on ${what}).`);
    case 408:
    case 504:
      return make('timeout', `The API server ran out of time on ${what}: ${said.message}`);
    default:
      // A server-side apply with an unknown field is answered by 500, and will be tomorrow.
      return status >= 500 && !said.message.includes('field not declared in schema')
        ? make('unavailable', `The API server answered ${status} to ${what}: ${said.message}`)
        : make('invalid', `The API server refused ${what} (${status}): ${said.message}`);
  }
}

/** Names verb, resource and the rule to add to a Role, as the server saw them (an apply that creates needs `create` too). */
function forbidden(attempted: Attempted, message: string): string {
  const seen =
    /cannot (?<verb>\w+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]*)")?/.exec(
      message,
    )?.groups;
  const user = /User "([^"]+)"/.exec(message)?.[1];
  const suffix = attempted.subresource === undefined ? '' : `/${attempted.subresource}`;
  const verb = seen?.verb ?? attempted.verb;
  const resource = seen?.resource ?? `${attempted.kind.plural}${suffix}`;
  const group = seen?.group ?? groupOf(attempted.kind);
  const namespace = seen?.namespace ?? attempted.namespace;
  const role = namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]}`;
  if (seen === undefined && message !== '') {
    // Not authorization: an admission controller has words of its own.
    const remedy = message.includes('because it is being terminated')
      ? 'Somebody has deleted the namespace: the audit log of the API server tells who.'
      : `If it is a matter of rights, add to ${role}: ${rule}`;
    return `The API server forbids to ${attempted.verb} ${wordsOf(attempted)}: ${message}. ${remedy}`;
  }
  const who = user === undefined ? 'The gate' : `The gate (${user})`;
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  return `${who} may not ${verb} ${resource}${where}. Add to ${role} that is bound to it: ${rule}`;
}

function conflict(
  attempted: Attempted,
  said: Status,
  make: (
    failure: KubernetesFailure,
    message: string,
    more: { conflicts: readonly FieldConflict[] },
  ) => KubernetesError,
): KubernetesError {
  const conflicts = said.details.causes
    .filter(({ reason }) => reason === 'FieldManagerConflict')
    .map(({ field = '', message = '' }) => ({
      manager: /conflict with "([^"]+)"/.exec(message)?.[1] ?? message,
      field,
    }));
  const list = conflicts.map(({ field, manager }) => `${field} (owned by ${manager})`).join(', ');
  return make(
    'conflict',
    conflicts.length > 0
      ? `${wordsOf(attempted)} was not changed: somebody else has set ${list}. The gate never takes a field by force: let them give it up, or take it out of what the gate is told to manage.`
      : `${wordsOf(attempted)} was not changed: ${said.message}`,
    { conflicts },
  );
}

/** `Retry-After`: seconds, or a date; `undefined` when it says neither. */
export function millisecondsOf(
  retryAfter: string | undefined,
  now = Date.now(),
): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d+$/.test(retryAfter.trim())) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
