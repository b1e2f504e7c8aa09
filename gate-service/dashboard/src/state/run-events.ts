/** The events of a run, live while the page can be seen. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { followRun } from '../api/follow-run.ts';
import type { Line } from '../api/follow-run.ts';
import type { RunEvent } from '../api/types.ts';
import { useVisible } from './visibility.ts';

export interface RunEvents {
  readonly events: readonly RunEvent[];
  readonly line: Line;
}

const NOTHING: RunEvents = { events: [], line: { state: 'connecting' } };

/** @param onNews told of new events, e.g. to ask for the run again */
export function useRunEvents(id: string, onNews: (events: readonly RunEvent[]) => void): RunEvents {
  const [known, setKnown] = useState<RunEvents & { readonly id: string }>({ ...NOTHING, id });
  const visible = useVisible();
  const told = useRef(onNews);
  told.current = onNews;
  const last = useRef({ id, sequence: 0 });

  useEffect(() => {
    if (last.current.id !== id) {
      last.current = { id, sequence: 0 };
      setKnown({ ...NOTHING, id });
    }
    if (!visible) return undefined;
    const leave = new AbortController();
    const follower = {
      events: (news: readonly RunEvent[]): void => {
        if (leave.signal.aborted) return;
        last.current = { id, sequence: news.at(-1)?.sequence ?? last.current.sequence };
        setKnown((before) => ({ ...before, events: [...before.events, ...news] }));
        told.current(news);
      },
      reset: (): void => {
        if (leave.signal.aborted) return;
        last.current = { id, sequence: 0 };
        setKnown((before) => ({ ...before, events: [] }));
      },
      line: (line: Line): void => {
        if (!leave.signal.aborted) setKnown((before) => ({ ...before, line }));
      },
    };
    void followRun(id, last.current.sequence, follower, leave.signal);
    return () => {
      leave.abort();
    };
  }, [id, visible]);

  return known.id === id ? known : NOTHING;
}
