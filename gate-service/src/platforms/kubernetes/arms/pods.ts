/** Pods as the gate reads them. Pure. */
import { z } from 'zod';
import type { KubernetesObject } from '../client/objects.ts';

const stateSchema = z.looseObject({
  waiting: z
    .looseObject({ reason: z.string().default(''), message: z.string().default('') })
    .optional(),
  running: z.looseObject({ startedAt: z.string().optional() }).optional(),
  terminated: z
    .looseObject({
      reason: z.string().default(''),
      message: z.string().default(''),
      exitCode: z.int(),
      finishedAt: z.string().optional(),
    })
    .optional(),
});

const containerStatusSchema = z.looseObject({
  name: z.string(),
  image: z.string().default(''),
  imageID: z.string().default(''),
  ready: z.boolean().default(false),
  restartCount: z.int().default(0),
  state: stateSchema.prefault({}),
  lastState: stateSchema.prefault({}),
});
export type ContainerStatus = z.infer<typeof containerStatusSchema>;

const podSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z
    .looseObject({
      nodeName: z.string().optional(),
      containers: z.array(z.looseObject({ name: z.string(), image: z.string().default('') })),
    })
    .prefault({ containers: [] }),
  status: z
    .looseObject({
      phase: z.string().default('Unknown'),
      podIP: z.string().optional(),
      reason: z.string().default(''),
      message: z.string().default(''),
      conditions: z
        .array(
          z.looseObject({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
          }),
        )
        .default([]),
      initContainerStatuses: z.array(containerStatusSchema).default([]),
      containerStatuses: z.array(containerStatusSchema).default([]),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof podSchema>;

/**
 * By name, since a watch and a list have them in orders of their own. What is not readable as a pod is left
 * out: then it is missing, and what is missing is never ready.
 */
export function podsOf(objects: readonly KubernetesObject[]): readonly Pod[] {
  return objects
    .flatMap((object) => {
      const parsed = podSchema.safeParse(object);
      return parsed.success ? [parsed.data] : [];
    })
    .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
}

export function isEnding(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Ready as the kubelet says, with an address, and not on its way out. */
export function isReady(pod: Pod): boolean {
  return !isEnding(pod) && pod.status.podIP !== undefined && conditionOf(pod, 'Ready') === 'True';
}

export function conditionOf(pod: Pod, type: string): string | undefined {
  return pod.status.conditions.find((one) => one.type === type)?.status;
}
