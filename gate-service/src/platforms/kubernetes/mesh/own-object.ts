/** Objects of the mesh that are the gate's: applied as such, and never written over somebody else's. */
import type { IstioResource } from '../../../mesh/istio/resources.ts';
import { PlatformError } from '../../platform.ts';
import type { CallOptions, KubernetesClient } from '../client/client.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { ISTIO_KINDS } from './kinds.ts';

/** Istio's webhook may be gone for longer than a write shall wait for it. */
export const WRITE_PATIENCE_MS = 12_000;

const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** Whether the gate made it. */
export function isGates({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[MANAGED_BY] === 'speed-gate';
}

/**
 * The object of the same kind and name as it is now.
 * @throws PlatformError `refused` when it is there and not the gate's
 */
export async function findOwn(
  client: KubernetesClient,
  { kind, metadata: { name, namespace } }: IstioResource,
  options: CallOptions = {},
): Promise<KubernetesObject | undefined> {
  const found = await client.find({ kind: ISTIO_KINDS[kind], namespace, name }, options);
  if (found === undefined || isGates(found)) return found;
  throw new PlatformError(
    'refused',
    `There is a ${kind} ${namespace}/${name} that the gate did not make (it lacks the label ${MANAGED_BY}: speed-gate). Rename or remove it.`,
  );
}

/** Applies it, and answers it as it is then. */
export async function applyOwn(
  client: KubernetesClient,
  resource: IstioResource,
  options: CallOptions = {},
): Promise<KubernetesObject> {
  await findOwn(client, resource, options);
  const { apiVersion, kind, metadata, spec } = resource;
  const object = {
    apiVersion,
    kind,
    metadata: { ...metadata, labels: { ...metadata.labels } },
    spec,
  };
  return client.apply(ISTIO_KINDS[kind], object, { patienceMs: WRITE_PATIENCE_MS, ...options });
}

/** How long an object may take to go: the garbage collector lags behind after an outage. */
const GONE_MS = 60_000;
const LOOK_EVERY_MS = 100;

/**
 * Deletes it, if it is there and the gate's, and resolves when it is gone: what is applied to an
 * object that is on its way out goes with it.
 * @throws PlatformError `component-failed` when it is still there after a minute
 */
export async function deleteOwn(
  client: KubernetesClient,
  kind: IstioResource['kind'],
  namespace: string,
  name: string,
): Promise<void> {
  const place = { kind: ISTIO_KINDS[kind], namespace, name };
  const found = await client.find(place);
  if (found === undefined || !isGates(found)) return;
  await client.delete(place, { patienceMs: WRITE_PATIENCE_MS });
  const until = performance.now() + GONE_MS;
  while ((await client.find(place))?.metadata.uid === found.metadata.uid) {
    if (performance.now() >= until) {
      throw new PlatformError(
        'component-failed',
        `${kind} ${namespace}/${name} was deleted, but is still there after ${GONE_MS / 1000} s: look at its finalizers and at the controller manager.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** `spec` of an object, empty when it has none. */
export function specOf(object: KubernetesObject | undefined): Readonly<Record<string, unknown>> {
  const spec = object?.spec;
  return typeof spec === 'object' && spec !== null ? (spec as Record<string, unknown>) : {};
}

/** A list within a `spec`, as objects. */
export function listIn(
  spec: Readonly<Record<string, unknown>>,
  name: string,
): readonly Readonly<Record<string, unknown>>[] {
  const value = spec[name];
  return Array.isArray(value) ? (value as Readonly<Record<string, unknown>>[]) : [];
}
