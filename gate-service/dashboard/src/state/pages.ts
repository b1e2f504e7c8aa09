/** A list that is read page by page: the first one kept fresh, older ones added on demand. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import type { Page } from '../api/types.ts';
import { useResource } from './resource.ts';
import type { Resource } from './resource.ts';

export interface Pages<T> extends Resource<Page<T>> {
  /** Pages behind the first one. */
  readonly older: readonly T[];
  readonly hasMore: boolean;
  readonly more: () => void;
  readonly moreProblem?: Problem;
  readonly busy: boolean;
}

interface Older<T> {
  readonly items: readonly T[];
  readonly cursor?: string | undefined;
}

/** @param path with its filters; @param everyMs how often the first page is asked again while it is alone */
export function usePages<T>(path: string, everyMs = 0): Pages<T> {
  const [older, setOlder] = useState<Older<T>>();
  const [busy, setBusy] = useState(false);
  const [moreProblem, setProblem] = useState<Problem>();
  // With older pages below it a fresh first page would leave a gap.
  const first = useResource<Page<T>>(path, older === undefined ? everyMs : 0);

  // What was asked for another list says nothing about this one.
  const asking = useRef<AbortController>(undefined);
  useEffect(() => {
    setOlder(undefined);
    setProblem(undefined);
    return () => {
      asking.current?.abort();
      setBusy(false);
    };
  }, [path]);

  const cursor = older === undefined ? first.data?.nextCursor : older.cursor;
  const more = useCallback(() => {
    if (cursor === undefined) return;
    const glue = path.includes('?') ? '&' : '?';
    const leave = new AbortController();
    asking.current = leave;
    setBusy(true);
    get<Page<T>>(`${path}${glue}cursor=${encodeURIComponent(cursor)}`, leave.signal)
      .then(({ body }) => {
        setProblem(undefined);
        setOlder((before) => ({
          items: [...(before?.items ?? []), ...body.items],
          cursor: body.nextCursor,
        }));
      })
      .catch((error: unknown) => {
        if (!leave.signal.aborted) setProblem(asProblem(error));
      })
      .finally(() => {
        if (!leave.signal.aborted) setBusy(false);
      });
  }, [path, cursor]);

  return {
    ...first,
    older: older?.items ?? [],
    hasMore: cursor !== undefined,
    more,
    busy,
    ...(moreProblem !== undefined && { moreProblem }),
  };
}
