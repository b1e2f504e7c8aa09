/** Namespaces of a test's own, in which pods can be made. */
import type { KubernetesClient } from '../../../gate-service/src/platforms/kubernetes/client/client.ts';
import {
  NAMESPACE,
  type Kind,
} from '../../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { until } from '../../support/processes.ts';

const SERVICE_ACCOUNT: Kind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

export async function freshNamespace(client: KubernetesClient, name: string): Promise<void> {
  await client.apply(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  // Pods are refused before the controller has made it.
  await until(`the service account of ${name} is there`, async () =>
    (await client.find({ kind: SERVICE_ACCOUNT, namespace: name, name: 'default' })) === undefined
      ? undefined
      : true,
  );
}

/** Deletes namespaces and waits until nothing of them is left. */
export async function removeNamespaces(
  client: KubernetesClient,
  names: readonly string[],
): Promise<void> {
  for (const name of names) await client.delete({ kind: NAMESPACE, name });
  await until(
    'the namespaces are gone',
    async () => {
      const left = await Promise.all(names.map((name) => client.find({ kind: NAMESPACE, name })));
      return left.every((one) => one === undefined) ? true : undefined;
    },
    { withinMs: 180_000, everyMs: 500 },
  );
}
