/** An answer of the API that is kept fresh while it can be seen. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import { useVisible } from './visibility.ts';

export interface Resource<T> {
  /** Absent until the first answer; stays while later ones fail. */
  readonly data?: T;
  readonly etag?: string;
  /** What went wrong last; gone with the next answer. */
  readonly problem?: Problem;
  /** When `data` was answered, milliseconds since the epoch. */
  readonly at?: number;
  readonly refresh: () => void;
}

type Known<T> = Omit<Resource<T>, 'refresh'> & { readonly path: string | undefined };

/**
 * @param path undefined asks nothing
 * @param everyMs how often it is asked again; 0 only when `refresh` is called
 */
export function useResource<T>(path: string | undefined, everyMs = 0): Resource<T> {
  const [known, setKnown] = useState<Known<T>>({ path });
  const [turn, setTurn] = useState(0);
  const visible = useVisible();
  const answered = useRef<string | undefined>(undefined);

  useEffect(() => {
    if (path === undefined) return undefined;
    // What nobody sees is asked once: a page that was opened in the background is there when it is looked at.
    if (!visible && answered.current === path) return undefined;
    const leave = new AbortController();
    let timer = 0;
    const load = async (): Promise<void> => {
      try {
        const { body, etag } = await get<T>(path, leave.signal);
        answered.current = path;
        setKnown({ path, data: body, at: Date.now(), ...(etag !== undefined && { etag }) });
      } catch (error) {
        if (leave.signal.aborted) return;
        const problem = asProblem(error);
        setKnown((before) => (before.path === path ? { ...before, problem } : { path, problem }));
      }
      if (everyMs > 0 && !leave.signal.aborted) timer = window.setTimeout(again, everyMs);
    };
    const again = (): void => {
      void load();
    };
    again();
    return () => {
      leave.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, visible, turn]);

  const refresh = useCallback(() => {
    setTurn((before) => before + 1);
  }, []);
  const { path: of, ...rest } = known;
  return of === path ? { ...rest, refresh } : { refresh };
}
