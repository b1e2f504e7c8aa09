/** What happened, line by line; newest at the end, which stays in view while one reads there. */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RunEvent } from '../api/types.ts';
import { Instant } from '../parts/instant.tsx';
import { Empty } from '../parts/notice.tsx';

/** How near the end one must be for the list to follow, in pixels. */
const NEAR = 40;

export function Events({ events }: { readonly events: readonly RunEvent[] }) {
  const [type, setType] = useState('');
  const [text, setText] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const follows = useRef(true);
  const types = useMemo(() => [...new Set(events.map((event) => event.type))].sort(), [events]);
  const wanted = text.trim().toLowerCase();
  const shown = events.filter(
    (event) => (type === '' || event.type === type) && event.message.toLowerCase().includes(wanted),
  );

  useLayoutEffect(() => {
    const own = list.current;
    if (own !== null && follows.current) own.scrollTop = own.scrollHeight;
  }, [shown.length]);

  return (
    <>
      <form
        class="filters"
        aria-label="Filter of events"
        onSubmit={(event) => {
          event.preventDefault();
        }}
      >
        <label class="filter">
          Kind
          <select
            value={type}
            onChange={(event) => {
              setType(event.currentTarget.value);
            }}
          >
            <option value="">all</option>
            {types.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="filter">
          Words
          <input
            type="search"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
            }}
          />
        </label>
      </form>
      <ol
        ref={list}
        class="events"
        tabIndex={0}
        aria-label={`Events, ${shown.length} of ${events.length}`}
        onScroll={({ currentTarget: own }) => {
          follows.current = own.scrollHeight - own.scrollTop - own.clientHeight < NEAR;
        }}
      >
        {shown.map((event) => (
          <li key={event.sequence} class={`event-of-${event.type}`}>
            <Instant at={event.at} as="clock" />
            <span class="event-type">{event.type}</span>
            <span class="event-message">{event.message}</span>
          </li>
        ))}
      </ol>
      {shown.length === 0 && (
        <Empty>{events.length === 0 ? 'Nothing has happened yet.' : 'No event fits.'}</Empty>
      )}
    </>
  );
}
