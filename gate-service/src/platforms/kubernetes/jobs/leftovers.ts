/** Jobs of the sender that are there: those of measurements under way, and what a crash left. */
import { waitUntil } from '../../wait-until.ts';
import { MANAGED_BY, MANAGED_LABEL, OWNER_LABEL } from '../arms/labels.ts';
import type { KubernetesClient } from '../client/client.ts';
import { POD } from '../client/kinds.ts';
import { JOB, SENDER_LABEL } from './job.ts';

export interface FoundSenderJob {
  readonly name: string;
  readonly namespace: string;
  readonly service: string | undefined;
  /** ISO 8601. */
  readonly since: string | undefined;
}

/** All in a namespace. While nothing is measured there, all of them are leftovers. @throws KubernetesError */
export async function listSenderJobs(
  client: KubernetesClient,
  namespace: string,
  signal?: AbortSignal,
): Promise<readonly FoundSenderJob[]> {
  const jobs = await client.list(
    { kind: JOB, namespace, labels: { [MANAGED_LABEL]: MANAGED_BY } },
    { signal },
  );
  return jobs
    .filter(({ metadata }) => metadata.labels?.[SENDER_LABEL] === metadata.name)
    .map(({ metadata }) => ({
      name: metadata.name,
      namespace,
      service: metadata.labels?.[OWNER_LABEL],
      since: metadata.creationTimestamp,
    }));
}

/**
 * Removes a Job with its pods and waits until they are gone. Nothing there is fine.
 * @throws KubernetesError; PlatformError `aborted`
 */
export async function removeSenderJob(
  client: KubernetesClient,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<void> {
  await client.delete({ kind: JOB, namespace, name }, { signal });
  await waitUntil(
    async () => {
      const job = await client.find({ kind: JOB, namespace, name }, { signal });
      if (job !== undefined) return undefined;
      const pods = await client.list(
        { kind: POD, namespace, labels: { [SENDER_LABEL]: name } },
        { signal },
      );
      return pods.length === 0 ? true : undefined;
    },
    { timeoutMs: Infinity, everyMs: 100, signal },
  );
}
