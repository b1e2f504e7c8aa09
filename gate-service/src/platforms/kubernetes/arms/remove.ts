/** Taking everything away that carries an arm's label, and seeing that it is gone. */
import { z } from 'zod';
import { PlatformError } from '../../platform.ts';
import { waitUntil } from '../../wait-until.ts';
import type { KubernetesClient } from '../client/client.ts';
import { CONFIG_MAP, DEPLOYMENT, POD, REPLICA_SET, SECRET, type Kind } from '../client/kinds.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { ARM_LABEL, MANAGED_BY, MANAGED_LABEL } from './labels.ts';

/** The drain of a node and its grace period; a node that hangs is killed by the kubelet before. */
const GONE_MS = 120_000;

/** Everything that carries the label, but for the Secret, which the gate has no right to read. */
const LABELLED: readonly Kind[] = [CONFIG_MAP, DEPLOYMENT, REPLICA_SET, POD];

/**
 * Removes an arm's objects and waits until nothing carries its label any more. Nothing there is fine, also
 * half of it: what a crash left behind goes the same way. The record goes last: while it is there, the rest
 * is found.
 * @throws PlatformError `component-failed` when something stays, `aborted`; KubernetesError
 */
export async function removeArm(
  client: KubernetesClient,
  { id, namespace }: { readonly id: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<void> {
  const labels = { [ARM_LABEL]: id, [MANAGED_LABEL]: MANAGED_BY };
  // Ids are never used again: what has this name is the arm's own.
  const remove = (kind: Kind): Promise<void> =>
    client.delete({ kind, namespace, name: id }, { signal });
  await remove(DEPLOYMENT);
  await untilGone(client, { id, namespace, labels }, [DEPLOYMENT, REPLICA_SET, POD], signal);
  // Nothing depends on it, and the gate could not see when it is gone: it is with the answer.
  await client.delete({ kind: SECRET, namespace, name: id }, { signal, propagation: 'Background' });
  await remove(CONFIG_MAP);
  await untilGone(client, { id, namespace, labels }, LABELLED, signal);
}

async function untilGone(
  client: KubernetesClient,
  arm: {
    readonly id: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  },
  kinds: readonly Kind[],
  signal: AbortSignal,
): Promise<void> {
  const { id, labels, namespace } = arm;
  let left: readonly Labelled[] = [];
  const gone = await waitUntil(
    async () => {
      left = await labelled(client, namespace, labels, signal, kinds);
      return left.length === 0 ? true : undefined;
    },
    { timeoutMs: GONE_MS, everyMs: 250, signal },
  );
  if (gone === true) return;
  throw new PlatformError(
    'component-failed',
    `Of arm ${id} in namespace ${namespace} is still there after ${GONE_MS / 1000} s: ${left.map(inWords).join(', ')}. See what holds it (finalizers, a node that does not answer); speed-gate doctor finds it again by its label.`,
  );
}

interface Labelled {
  readonly kind: Kind;
  readonly object: KubernetesObject;
}

/** Everything in a namespace that carries these labels, but for Secrets. */
export async function labelled(
  client: KubernetesClient,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  kinds: readonly Kind[] = LABELLED,
): Promise<readonly Labelled[]> {
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const objects = await client.list({ kind, namespace, labels }, { signal });
      const own = kind === REPLICA_SET ? objects.filter(isArmsOwn) : objects;
      return own.map((object) => ({ kind, object }));
    }),
  );
  return found.flat();
}

/** Production's own Deployment keeps the ReplicaSets of arms that it has run, empty, for its history. */
function isArmsOwn({ metadata }: KubernetesObject): boolean {
  const owners = ownersSchema.safeParse(metadata.ownerReferences).data ?? [];
  const arm = metadata.labels?.[ARM_LABEL];
  return owners.every(({ kind, name }) => kind !== DEPLOYMENT.kind || name === arm);
}

const ownersSchema = z.array(z.looseObject({ kind: z.string(), name: z.string() }));

function inWords({ kind, object }: Labelled): string {
  const finalizers = object.metadata.finalizers;
  const held =
    Array.isArray(finalizers) && finalizers.length > 0
      ? ` (finalizers ${finalizers.join(', ')})`
      : '';
  return `${kind.kind} ${object.metadata.name}${held}`;
}
