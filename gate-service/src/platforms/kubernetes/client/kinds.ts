/** The kinds of objects that the gate reads or owns, and where the API server has them. */

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** False where objects belong to no namespace. */
  readonly namespaced: boolean;
}

const namespaced = (apiVersion: string, kind: string, plural: string): Kind => ({
  apiVersion,
  kind,
  plural,
  namespaced: true,
});

export const CONFIG_MAP = namespaced('v1', 'ConfigMap', 'configmaps');
export const DEPLOYMENT = namespaced('apps/v1', 'Deployment', 'deployments');
export const EVENT = namespaced('v1', 'Event', 'events');
export const NAMESPACE: Kind = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
export const POD = namespaced('v1', 'Pod', 'pods');
export const REPLICA_SET = namespaced('apps/v1', 'ReplicaSet', 'replicasets');
export const SECRET = namespaced('v1', 'Secret', 'secrets');
export const SERVICE = namespaced('v1', 'Service', 'services');

/** Group of an `apiVersion`: empty for the core group. */
export function groupOf({ apiVersion }: Pick<Kind, 'apiVersion'>): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** What is addressed: a collection without `name`, one object with it. */
export interface Place {
  readonly kind: Kind;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** Path of a place below the API server's address. */
export function pathOf({ kind, name, namespace, subresource }: Place): string {
  const root = groupOf(kind) === '' ? `/api/${kind.apiVersion}` : `/apis/${kind.apiVersion}`;
  const parts = [
    ...(kind.namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
    kind.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}

/** A place in words: `deployment checkout-canary in namespace shop`. */
export function wordsOf({ kind, name, namespace, subresource }: Place): string {
  const what = name === undefined ? kind.plural : `${kind.kind} ${name}`;
  const part = subresource === undefined ? '' : ` (${subresource})`;
  return `${what}${part}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
}
