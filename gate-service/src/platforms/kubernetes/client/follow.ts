/** Following objects: list, watch from there, list again whenever the watch breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { KubernetesError, parseJson } from './errors.ts';
import type { Kind } from './kinds.ts';
import { listOf, objectSchema, type KubernetesObject } from './objects.ts';
import type { Transport } from './transport.ts';

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Milliseconds after which a watch is replaced by a new list even if it seems to live; 20 s unless told. */
  readonly relistMs?: number | undefined;
}

const RELIST_MS = 20_000;
/** Between a watch that broke at once and the next list. */
const PAUSE_MS = 250;

const eventSchema = z.looseObject({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

interface Followed {
  readonly kind: Kind;
  readonly namespace?: string | undefined;
}

/** @throws KubernetesError that does not pass (`forbidden`, …), or the signal's reason */
export async function* followed(
  transport: Transport,
  { kind, namespace }: Followed,
  query: Readonly<Record<string, string | undefined>>,
  { relistMs = RELIST_MS, signal }: FollowOptions,
): AsyncGenerator<readonly KubernetesObject[]> {
  for (;;) {
    signal.throwIfAborted();
    const place = { kind, namespace };
    const listed = listOf(
      parseJson(await transport.text({ verb: 'list', ...place, query, signal })),
      place,
    );
    const known = new Map(listed.items.map((item) => [keyOf(item), item]));
    yield [...known.values()];

    const silence = new AbortController();
    const timer = setTimeout(() => {
      silence.abort(new Error('time to list again'));
    }, relistMs);
    const either = AbortSignal.any([signal, silence.signal]);
    try {
      const stream = await transport.open(
        {
          verb: 'watch',
          ...place,
          query: {
            ...query,
            watch: true,
            resourceVersion: listed.metadata.resourceVersion,
            timeoutSeconds: Math.max(1, Math.ceil(relistMs / 1000)),
          },
        },
        either,
      );
      for await (const line of linesOf(stream)) {
        const change = eventSchema.safeParse(parseJson(line));
        // Half a line, or an ERROR such as 410 Gone: only a new list knows.
        if (!change.success || change.data.type === 'ERROR') break;
        if (change.data.type === 'BOOKMARK') continue;
        const object = objectSchema.safeParse(change.data.object);
        if (!object.success) break;
        if (change.data.type === 'DELETED') known.delete(keyOf(object.data));
        else known.set(keyOf(object.data), object.data);
        yield [...known.values()];
      }
    } catch (error) {
      signal.throwIfAborted();
      // A connection that ends in the middle is no error of ours, and neither is our own silence limit.
      if (error instanceof KubernetesError && !error.passing && error.status !== 410) throw error;
    } finally {
      clearTimeout(timer);
      silence.abort(new Error('this watch is over'));
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {
      signal.throwIfAborted();
    });
  }
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Whole lines only: what was cut off in the middle says nothing. Throws what the stream throws. */
async function* linesOf(stream: AsyncIterable<unknown>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) continue;
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
