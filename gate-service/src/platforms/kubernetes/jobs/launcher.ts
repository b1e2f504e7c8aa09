/** The sender's workers as pods of a Job in staging's namespace. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LaunchedFleet,
  FleetRequest,
  LaunchedWorker,
  WorkerLauncher,
} from '../../../load/workers/launcher.ts';
import { isEnding, podsOf, type Pod } from '../arms/pods.ts';
import { troublesOf, type Trouble } from '../arms/troubles.ts';
import type { KubernetesClient } from '../client/client.ts';
import { EVENT, POD } from '../client/kinds.ts';
import { INDEX_LABEL, JOB, SENDER_LABEL, SENDER_PORT, senderJob, type SenderPods } from './job.ts';
import { removeSenderJob } from './leftovers.ts';
import { wordsOfEvents } from './words.ts';

export interface JobLauncherOptions extends SenderPods {
  /** With the rights of staging; stays open. */
  readonly client: KubernetesClient;
  /** Staging's namespace of a service. @throws for one that there is not */
  readonly namespaceOf: (service: string) => string;
  /** Seconds until all workers must run, their image pulled; 180 unless told. */
  readonly readySeconds?: number;
  /** Told what went wrong where the measurement itself did not: a Job that could not be removed. */
  readonly problem?: (message: string) => void;
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

const READY_SECONDS = 180;
const LOOK_MS = 250;
/** For questions that only make a failure clearer. */
const DIAGNOSIS_MS = 5000;
/** While a measurement waits for the answer. */
const WHY_MS = 2000;
const REMOVE_MS = 60_000;

/** `launch` rejects with what keeps the pods from running; the Job is removed then. */
export function createJobLauncher(options: JobLauncherOptions): WorkerLauncher {
  return { launch: (request, signal) => launch(options, request, signal) };
}

async function launch(
  options: JobLauncherOptions,
  { service, ...request }: FleetRequest,
  signal: AbortSignal,
): Promise<LaunchedFleet> {
  if (service === undefined) {
    throw new Error('the plan does not say which service is measured: the sender has no namespace');
  }
  const { client } = options;
  const place: Place = {
    namespace: options.namespaceOf(service),
    name: `speed-gate-sender-${randomBytes(4).toString('hex')}`,
  };
  const remove = async (): Promise<void> => {
    try {
      await removeSenderJob(client, place, AbortSignal.timeout(REMOVE_MS));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      options.problem?.(
        `Job ${place.name} in namespace ${place.namespace} could not be removed: ${why}. Its pods end by themselves, and Kubernetes removes it then.`,
      );
    }
  };
  try {
    await client.apply(JOB, senderJob(place, service, request, options), { signal });
    const workers = await untilRunning(options, place, request.workers, signal);
    return { workers, remove, whyGone: (name) => whyGone(client, place, name) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** In the order of their numbers, when all run. */
async function untilRunning(
  { client, readySeconds = READY_SECONDS }: JobLauncherOptions,
  place: Place,
  workers: number,
  signal: AbortSignal,
): Promise<readonly LaunchedWorker[]> {
  const since = new Map<string, number>();
  const begun = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const pods = await senderPods(client, place, signal);
    const running = pods.flatMap((pod) => workerOf(pod) ?? []);
    if (running.length === workers) return running;
    const now = performance.now();
    const troubles = [...endsOf(pods), ...troublesOf(pods.filter(stillStarts), [])];
    const hopeless = troubles.filter(({ kind, patienceMs, pod }) => {
      const key = `${kind} ${pod ?? ''}`;
      const first = since.get(key) ?? now;
      since.set(key, first);
      return now - first >= patienceMs;
    });
    if (hopeless.length > 0) throw await notRunning(client, place, workers, running, hopeless);
    if (now - begun > readySeconds * 1000) {
      throw await notRunning(client, place, workers, running, troubles);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}

async function senderPods(
  client: KubernetesClient,
  { name, namespace }: Place,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const pods = await client.list(
    { kind: POD, namespace, labels: { [SENDER_LABEL]: name } },
    { signal },
  );
  return podsOf(pods).toSorted((one, other) => indexOf(one) - indexOf(other));
}

function stillStarts({ status }: Pod): boolean {
  return status.phase !== 'Failed' && status.phase !== 'Succeeded';
}

/** Workers that have ended before they were asked anything; none is started again. */
function endsOf(pods: readonly Pod[]): readonly Trouble[] {
  return pods
    .filter((pod) => !stillStarts(pod))
    .map(({ metadata, status }): Trouble => {
      const ended = status.containerStatuses.find(({ state }) => state.terminated !== undefined);
      const code = ended?.state.terminated?.exitCode;
      const how = [status.reason, status.message].filter((part) => part !== '').join(': ');
      return {
        kind: 'crash',
        pod: metadata.name,
        reason: how || (code === undefined ? 'it ended' : `it ended with exit code ${code}`),
        advice: "Its log, or the machine's, tells why.",
        patienceMs: 0,
        ...(ended !== undefined && { container: ended.name, log: 'present' as const }),
      };
    });
}

function indexOf({ metadata }: Pod): number {
  return Number(metadata.labels[INDEX_LABEL] ?? 0);
}

function workerOf(pod: Pod): LaunchedWorker | undefined {
  const { containerStatuses, podIP } = pod.status;
  const runs = containerStatuses.some(({ state }) => state.running !== undefined);
  if (isEnding(pod) || podIP === undefined || !runs) return undefined;
  return { name: pod.metadata.name, host: podIP, port: SENDER_PORT };
}

async function notRunning(
  client: KubernetesClient,
  place: Place,
  workers: number,
  running: readonly LaunchedWorker[],
  troubles: readonly Trouble[],
): Promise<Error> {
  const signal = AbortSignal.timeout(DIAGNOSIS_MS);
  const lines = await Promise.all(
    troubles.map(async ({ advice, container, log, pod, reason }) => {
      const text =
        log === undefined || pod === undefined || container === undefined
          ? ''
          : await client
              .log({ namespace: place.namespace, name: pod, container }, { lines: 12, signal })
              .catch(() => '');
      return `- ${pod === undefined ? '' : `${pod}: `}${reason}. ${advice}${text.trim() === '' ? '' : `\n${text.trim().replaceAll(/^/gm, '    ')}`}`;
    }),
  );
  const events = await client
    .list(
      { kind: EVENT, namespace: place.namespace, fields: `involvedObject.name=${place.name}` },
      { signal },
    )
    .catch(() => []);
  return new Error(
    [
      `${running.length} of ${workers} workers of the sender run as Job ${place.name} in namespace ${place.namespace}.`,
      ...lines,
      ...wordsOfEvents(events).map((words) => `- ${words}`),
    ].join('\n'),
  );
}

/** What the cluster says of a worker whose connection broke; quickly, since a measurement goes on meanwhile. */
async function whyGone(
  client: KubernetesClient,
  { namespace }: Place,
  name: string,
): Promise<string | undefined> {
  try {
    const [found] = podsOf(
      [
        await client.find(
          { kind: POD, namespace, name },
          { signal: AbortSignal.timeout(WHY_MS), patienceMs: WHY_MS },
        ),
      ].filter((pod) => pod !== undefined),
    );
    if (found === undefined) return 'its pod was deleted';
    const ended = found.status.containerStatuses.find(({ state }) => state.terminated !== undefined)
      ?.state.terminated;
    if (ended?.reason === 'OOMKilled') return 'it was killed for using more memory than its limit';
    if (isEnding(found)) return 'its pod was deleted';
    if (found.status.reason !== '') return `${found.status.reason}: ${found.status.message}`;
    return ended === undefined ? undefined : `its container ended with exit code ${ended.exitCode}`;
  } catch {
    return undefined;
  }
}
