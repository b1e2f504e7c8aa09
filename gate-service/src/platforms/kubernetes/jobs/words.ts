/** What the cluster says of a Job that makes no pods. Pure. */
import { z } from 'zod';
import type { KubernetesObject } from '../client/objects.ts';

const eventSchema = z.looseObject({
  type: z.string().default(''),
  reason: z.string().default(''),
  message: z.string().default(''),
});

/** The warnings among these events, each once. */
export function wordsOfEvents(events: readonly KubernetesObject[]): readonly string[] {
  const words = events.flatMap((event) => {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success || parsed.data.type !== 'Warning') return [];
    return [`${parsed.data.reason}: ${parsed.data.message}`];
  });
  return [...new Set(words)];
}
