/** Waiting until an arm's pods are ready, and saying what is wrong when they are not. */
import { z } from 'zod';
import { PlatformError } from '../../platform.ts';
import { throwIfAborted } from '../../wait-until.ts';
import type { KubernetesClient } from '../client/client.ts';
import { KubernetesError } from '../client/errors.ts';
import { DEPLOYMENT, EVENT, POD, REPLICA_SET } from '../client/kinds.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { ARM_LABEL } from './labels.ts';
import { isEnding, isReady, podsOf, type Pod } from './pods.ts';
import { troublesOf, type Trouble } from './troubles.ts';

export interface AwaitedArm {
  readonly id: string;
  readonly namespace: string;
  readonly nodes: number;
  /** Container whose image is checked, and the image it must run. */
  readonly container: string;
  readonly image: string;
  /** Milliseconds. */
  readonly deadlineMs: number;
  /** The Deployment whose pods they are; of the arm's own name unless told. */
  readonly deployment?: string | undefined;
  /** Labels of its pods beside the arm's, where other pods of the arm are there as well. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Between two looks for the reasons while nothing gets ready. */
const LOOK_MS = 1000;
const LOG_LINES = 12;
/** For the questions that only make a failure clearer. */
const DIAGNOSIS_MS = 10_000;

/**
 * Resolves with the ready pods when there are exactly as many as asked for, all of the Deployment's newest
 * template, with the image asked for.
 * @throws PlatformError `node-not-ready` with the reasons and what to do, `aborted`; KubernetesError
 */
export async function untilReady(
  client: KubernetesClient,
  arm: AwaitedArm,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const end = new AbortController();
  const timer = setTimeout(() => {
    end.abort(new Error('the deadline'));
  }, arm.deadlineMs);
  const begun = performance.now();
  const watch = new TroubleWatch();
  const either = AbortSignal.any([signal, end.signal]);
  try {
    for await (const pods of looks(client, arm, either)) {
      const ready = pods.filter((pod) => isReady(pod));
      const complete = ready.length === arm.nodes && pods.length === arm.nodes;
      const rollout = await rolloutOf(client, arm, either);
      if (rollout === 'deleted') throw deletedByOthers(arm);
      if (complete && rollout === 'complete') {
        // Looked at again: those of before the rollout may be the former ones.
        const now = (await armPods(client, arm, either)).filter((pod) => isReady(pod));
        if (now.length === arm.nodes) {
          requireImage(arm, now);
          return now;
        }
      }
      const troubles = troublesOf(pods, await replicaSets(client, arm, either));
      const hopeless = watch.hopeless(troubles, performance.now());
      if (hopeless.length > 0) {
        throw await notReady(client, arm, pods, hopeless, performance.now() - begun);
      }
    }
  } catch (error) {
    throwIfAborted(signal);
    if (!end.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  throwIfAborted(signal);
  const pods = await armPods(client, arm, AbortSignal.timeout(DIAGNOSIS_MS)).catch(() => []);
  throw await notReady(client, arm, pods, undefined, performance.now() - begun);
}

/** Each state of the pods as it comes, and again after a second in which nothing changed. */
async function* looks(
  client: KubernetesClient,
  arm: AwaitedArm,
  signal: AbortSignal,
): AsyncGenerator<readonly Pod[]> {
  const over = new AbortController();
  const changes = client.follow(selectionOf(arm), {
    signal: AbortSignal.any([signal, over.signal]),
  });
  const ask = (): Promise<IteratorResult<readonly KubernetesObject[]>> => {
    const asked = changes.next();
    // One that is still under way when nobody looks any more ends with its signal, for nobody.
    asked.catch(() => undefined);
    return asked;
  };
  try {
    let next = ask();
    let last: readonly Pod[] | undefined;
    for (;;) {
      const seen = await Promise.race([next, ticked(LOOK_MS)]);
      if (seen === undefined) {
        if (last !== undefined) yield last;
        continue;
      }
      if (seen.done === true) return;
      last = podsOf(seen.value).filter((pod) => !isEnding(pod));
      next = ask();
      yield last;
    }
  } finally {
    over.abort(new Error('nobody looks any more'));
  }
}

function ticked(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, ms).unref();
  });
}

/** Remembers since when each trouble is seen: many pass by themselves. */
class TroubleWatch {
  #since = new Map<string, number>();

  hopeless(troubles: readonly Trouble[], now: number): readonly Trouble[] {
    const keys = new Map(
      troubles.map((one) => [`${one.kind} ${one.pod ?? ''} ${one.container ?? ''}`, one]),
    );
    this.#since = new Map([...keys.keys()].map((key) => [key, this.#since.get(key) ?? now]));
    return [...keys].flatMap(([key, one]) =>
      now - (this.#since.get(key) ?? now) >= one.patienceMs ? [one] : [],
    );
  }
}

const rolloutSchema = z.looseObject({
  metadata: z.looseObject({ generation: z.int() }),
  status: z
    .looseObject({
      observedGeneration: z.int().default(0),
      updatedReplicas: z.int().default(0),
      readyReplicas: z.int().default(0),
    })
    .prefault({}),
});

/** `complete`: the controller has seen the newest template, and all pods are of it. */
async function rolloutOf(
  client: KubernetesClient,
  { deployment, id, namespace, nodes }: AwaitedArm,
  signal: AbortSignal,
): Promise<'complete' | 'under-way' | 'deleted'> {
  const name = deployment ?? id;
  const found = await client.find({ kind: DEPLOYMENT, namespace, name }, { signal });
  if (found === undefined || found.metadata.deletionTimestamp !== undefined) return 'deleted';
  const parsed = rolloutSchema.safeParse(found);
  if (!parsed.success) return 'under-way';
  const { metadata, status } = parsed.data;
  return status.observedGeneration >= metadata.generation &&
    status.updatedReplicas === nodes &&
    status.readyReplicas === nodes
    ? 'complete'
    : 'under-way';
}

function deletedByOthers({ deployment, id, namespace }: AwaitedArm): PlatformError {
  return new PlatformError(
    'node-not-ready',
    `While arm ${id} came up, somebody has deleted Deployment ${deployment ?? id} in namespace ${namespace}, or the whole namespace. The gate's objects are its own: see who removes them (the audit log of the API server tells).`,
  );
}

/** An admission webhook may have put another image in: then it is not the build that would be measured. */
function requireImage({ container, id, image }: AwaitedArm, pods: readonly Pod[]): void {
  for (const { metadata, spec } of pods) {
    const runs = spec.containers.find(({ name }) => name === container)?.image;
    if (runs === image) continue;
    throw new PlatformError(
      'node-not-ready',
      `Pod ${metadata.name} of arm ${id} runs ${runs ?? 'no such container'} as ${container} instead of ${image}: something in the cluster (an admission webhook?) changes images on their way. Exempt the gate's namespace from it.`,
    );
  }
}

type Selected = Pick<AwaitedArm, 'id' | 'namespace' | 'labels'>;

function selectionOf({ id, labels, namespace }: Selected) {
  return { kind: POD, namespace, labels: { ...labels, [ARM_LABEL]: id } };
}

/** All pods of an arm that are not on their way out. */
export async function armPods(
  client: KubernetesClient,
  arm: Selected,
  signal?: AbortSignal,
): Promise<readonly Pod[]> {
  return podsOf(await client.list(selectionOf(arm), { signal })).filter((pod) => !isEnding(pod));
}

/** The arm's ReplicaSets: they say why pods could not be created. */
function replicaSets(
  client: KubernetesClient,
  { id, namespace }: AwaitedArm,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  return client.list({ kind: REPLICA_SET, namespace, labels: { [ARM_LABEL]: id } }, { signal });
}

async function notReady(
  client: KubernetesClient,
  arm: AwaitedArm,
  pods: readonly Pod[],
  known: readonly Trouble[] | undefined,
  milliseconds: number,
): Promise<PlatformError> {
  const signal = AbortSignal.timeout(DIAGNOSIS_MS);
  const [events, eventsMissing] = await eventsOf(client, arm, signal);
  const troubles =
    known ?? troublesOf(pods, await replicaSets(client, arm, signal).catch(() => []), events);
  const ready = pods.filter((pod) => isReady(pod)).length;
  const when =
    known === undefined
      ? `within ${arm.deadlineMs / 1000} s`
      : `(given up after ${(milliseconds / 1000).toFixed(0)} s, since waiting would not help)`;
  const lines = await Promise.all(
    distinct(troubles).map(async (trouble) => {
      const where = [trouble.pod, trouble.container].filter((part) => part !== undefined);
      const log = await logOf(client, arm, trouble, signal);
      return `- ${where.length > 0 ? `${where.join(', container ')}: ` : ''}${trouble.reason}. ${trouble.advice}${log}`;
    }),
  );
  return new PlatformError(
    'node-not-ready',
    [
      `${ready} of ${arm.nodes} pods of arm ${arm.id} in namespace ${arm.namespace} became ready ${when}.`,
      ...(lines.length > 0 ? lines : ['- The cluster gives no reason.']),
      ...(eventsMissing === undefined ? [] : [`(Events could not be read: ${eventsMissing})`]),
    ].join('\n'),
  );
}

/** Told in other words at other moments: a crash, an image between two tries to pull it. */
const ALIKE: readonly Trouble['kind'][] = ['crash', 'image'];

/** The same trouble of several pods is told once, with the first pod's name. */
function distinct(troubles: readonly Trouble[]): readonly Trouble[] {
  const seen = new Map<string, Trouble>();
  for (const one of troubles) {
    const key = `${one.kind} ${one.container ?? ''} ${ALIKE.includes(one.kind) ? '' : withoutName(one)}`;
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

function withoutName({ pod, reason }: Trouble): string {
  return pod === undefined ? reason : reason.replaceAll(pod, '');
}

async function eventsOf(
  client: KubernetesClient,
  { deployment, id, namespace }: AwaitedArm,
  signal: AbortSignal,
): Promise<readonly [readonly KubernetesObject[], string | undefined]> {
  try {
    const all = await client.list({ kind: EVENT, namespace }, { signal });
    return [all.filter(({ metadata }) => metadata.name.startsWith(deployment ?? id)), undefined];
  } catch (error) {
    return [[], error instanceof Error ? error.message : String(error)];
  }
}

async function logOf(
  client: KubernetesClient,
  { namespace }: AwaitedArm,
  { container, log, pod }: Trouble,
  signal: AbortSignal,
): Promise<string> {
  if (log === undefined || pod === undefined || container === undefined) return '';
  try {
    const text = await client.log(
      { namespace, name: pod, container },
      { lines: LOG_LINES, previous: log === 'former', signal },
    );
    const lines = text.trim();
    if (lines === '') return ' Its log is empty.';
    return ` The end of its log:\n${lines.replaceAll(/^/gm, '    ')}`;
  } catch (error) {
    const why = error instanceof KubernetesError ? error.message : String(error);
    return ` Its log could not be read: ${why}`;
  }
}
