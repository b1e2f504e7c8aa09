/** The gate's hands on a cluster: reads, watches, server-side applies and deletions, for every kind alike. */
import { connectionOf, type Connection, type ConnectionOptions } from './connection.ts';
import { KubernetesError, parseJson } from './errors.ts';
import { followed, type FollowOptions } from './follow.ts';
import { POD, type Kind, type Place } from './kinds.ts';
import { listOf, objectOf, type KubernetesObject } from './objects.ts';
import { DEFAULT_PATIENCE, Transport, type Patience } from './transport.ts';

/** The gate's own field manager in server-side apply. */
export const FIELD_MANAGER = 'speed-gate';

export interface Selection {
  readonly kind: Kind;
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** As `fieldSelector` has it, e.g. `involvedObject.name=x`. */
  readonly fields?: string | undefined;
}

/** Options of a single call. `patienceMs`: for all attempts together, 45 s unless told. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly patienceMs?: number | undefined;
}

export interface ApplyOptions extends CallOptions {
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly graceSeconds?: number | undefined;
  /** `Foreground` unless told: it is there until the garbage collector has taken away what depends on it. */
  readonly propagation?: 'Foreground' | 'Background';
  /** Only the object with this uid or of this version; another one there is a `conflict`. */
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined;
}

/** Every method rejects with {@link KubernetesError}, or with the signal's reason when it is aborted. */
export interface KubernetesClient {
  /** @returns undefined when there is none */
  find(place: ObjectPlace, options?: CallOptions): Promise<KubernetesObject | undefined>;
  list(selection: Selection, options?: CallOptions): Promise<readonly KubernetesObject[]>;
  /**
   * Server-side apply as {@link FIELD_MANAGER}, never by force: an unknown field is refused, a field of
   * somebody else's is a `conflict`. Answers the object as it is now.
   * `dryRun` checks on the server what would come of it, and changes nothing; `fieldManager` for parts of the
   * gate that own fields of their own.
   */
  apply(kind: Kind, object: KubernetesObject, options?: ApplyOptions): Promise<KubernetesObject>;
  /** A JSON merge patch: `null` takes a field away. With `metadata.uid` it reaches that very object or is a `conflict`. */
  merge(place: ObjectPlace, patch: unknown, options?: CallOptions): Promise<KubernetesObject>;
  /** A JSON patch (RFC 6902); a `test` that does not hold is `invalid`. */
  patchJson(
    place: ObjectPlace,
    operations: readonly unknown[],
    options?: CallOptions,
  ): Promise<KubernetesObject>;
  /** Deletes with all that belongs to it. Nothing there is fine. Does not wait for the end, see `list`. */
  delete(place: ObjectPlace, options?: DeleteOptions): Promise<void>;
  /** The last lines of a container's log. */
  log(
    pod: { readonly namespace: string; readonly name: string; readonly container: string },
    options?: CallOptions & { readonly lines?: number; readonly previous?: boolean },
  ): Promise<string>;
  /**
   * All objects of a selection, again after each change, until the signal fires. A watch that is dropped
   * or falls silent is replaced by a new list: nothing is missed, only delayed.
   */
  follow(selection: Selection, options: FollowOptions): AsyncGenerator<readonly KubernetesObject[]>;
  close(): Promise<void>;
}

export type ObjectPlace = Place & { readonly name: string };

export interface ClientOptions extends ConnectionOptions {
  readonly patience?: Partial<Patience> | undefined;
}

/** @throws Error when the kubeconfig is not usable */
export function createKubernetesClient(options: ClientOptions = {}): KubernetesClient {
  return new RawClient(connectionOf(options), { ...DEFAULT_PATIENCE, ...options.patience });
}

const APPLY_TYPE = 'application/apply-patch+yaml';

/**
 * Objects stay JSON as the server has it: a typed client drops the fields that its version does not know,
 * and a pod template must come through whole.
 */
class RawClient implements KubernetesClient {
  readonly #connection: Connection;
  readonly #transport: Transport;

  constructor(connection: Connection, patience: Patience) {
    this.#connection = connection;
    this.#transport = new Transport(connection, patience);
  }

  async find(place: ObjectPlace, options: CallOptions = {}): Promise<KubernetesObject | undefined> {
    try {
      return objectOf(
        parseJson(await this.#transport.text({ ...place, ...options, verb: 'get' })),
        place,
      );
    } catch (error) {
      if (error instanceof KubernetesError && error.failure === 'not-found') return undefined;
      throw error;
    }
  }

  async list(
    selection: Selection,
    options: CallOptions = {},
  ): Promise<readonly KubernetesObject[]> {
    const call = { ...selection, ...options, verb: 'list', query: queryOf(selection) } as const;
    return listOf(parseJson(await this.#transport.text(call)), selection).items;
  }

  async apply(
    kind: Kind,
    object: KubernetesObject,
    { dryRun = false, fieldManager = FIELD_MANAGER, ...options }: ApplyOptions = {},
  ): Promise<KubernetesObject> {
    const { name, namespace } = object.metadata;
    const text = await this.#transport.text({
      verb: 'patch',
      kind,
      namespace,
      name,
      query: {
        fieldManager,
        force: false,
        fieldValidation: 'Strict',
        dryRun: dryRun ? 'All' : undefined,
      },
      // JSON is YAML.
      body: { type: APPLY_TYPE, content: JSON.stringify(object) },
      ...options,
    });
    return objectOf(parseJson(text), { kind, namespace, name });
  }

  merge(place: ObjectPlace, patch: unknown, options: CallOptions = {}): Promise<KubernetesObject> {
    return this.#patch(place, 'application/merge-patch+json', patch, options);
  }

  patchJson(
    place: ObjectPlace,
    operations: readonly unknown[],
    options: CallOptions = {},
  ): Promise<KubernetesObject> {
    return this.#patch(place, 'application/json-patch+json', operations, options);
  }

  async delete(
    place: ObjectPlace,
    { graceSeconds, preconditions, propagation = 'Foreground', ...options }: DeleteOptions = {},
  ): Promise<void> {
    const content = JSON.stringify({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: propagation,
      gracePeriodSeconds: graceSeconds,
      preconditions,
    });
    try {
      await this.#transport.text({
        ...place,
        ...options,
        verb: 'delete',
        body: { type: 'application/json', content },
      });
    } catch (error) {
      if (error instanceof KubernetesError && error.failure === 'not-found') return;
      throw error;
    }
  }

  log(
    pod: { readonly namespace: string; readonly name: string; readonly container: string },
    {
      lines = 20,
      previous = false,
      ...options
    }: CallOptions & { readonly lines?: number; readonly previous?: boolean } = {},
  ): Promise<string> {
    return this.#transport.text({
      verb: 'get',
      kind: POD,
      namespace: pod.namespace,
      name: pod.name,
      subresource: 'log',
      query: { container: pod.container, tailLines: lines, previous: previous || undefined },
      accept: '*/*',
      ...options,
    });
  }

  follow(
    selection: Selection,
    options: FollowOptions,
  ): AsyncGenerator<readonly KubernetesObject[]> {
    return followed(this.#transport, selection, queryOf(selection), options);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #patch(
    place: ObjectPlace,
    type: string,
    patch: unknown,
    options: CallOptions,
  ): Promise<KubernetesObject> {
    const text = await this.#transport.text({
      ...place,
      ...options,
      verb: 'patch',
      query: { fieldManager: FIELD_MANAGER },
      body: { type, content: JSON.stringify(patch) },
    });
    return objectOf(parseJson(text), place);
  }
}

function queryOf({ fields, labels }: Selection): Record<string, string | undefined> {
  const terms = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    labelSelector: terms.length === 0 ? undefined : terms.join(','),
    fieldSelector: fields,
  };
}
