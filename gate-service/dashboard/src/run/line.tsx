import { useEffect, useState } from 'preact/hooks';
import type { Line } from '../api/follow-run.ts';

/** Whether what is shown is live; a cut line is said, and what is done about it. */
export function LineState({ line }: { readonly line: Line }) {
  return (
    <p class={`line ${line.state}`} role="status">
      <LineWords line={line} />
    </p>
  );
}

function LineWords({ line }: { readonly line: Line }) {
  switch (line.state) {
    case 'live':
      return (
        <>
          <span aria-hidden="true">● </span>live
        </>
      );
    case 'connecting':
      return (
        <>
          <span aria-hidden="true">○ </span>connecting …
        </>
      );
    case 'ended':
      return <></>;
    case 'cut':
      return <Cut line={line} />;
    case 'refused':
      return (
        <>
          <span aria-hidden="true">✗ </span>
          what happens is not shown live: {line.problem.message}
        </>
      );
  }
}

function Cut({ line }: { readonly line: Extract<Line, { state: 'cut' }> }) {
  const [seconds, setSeconds] = useState(Math.round(line.retryMs / 1000));
  useEffect(() => {
    setSeconds(Math.round(line.retryMs / 1000));
    const timer = window.setInterval(() => {
      setSeconds((before) => Math.max(0, before - 1));
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [line]);
  return (
    <>
      <span aria-hidden="true">✗ </span>
      the line to the service was cut ({line.problem.message}) and is tried again
      <span aria-hidden="true">{seconds > 0 ? ` in ${seconds} s` : ' now'}</span>. No event is lost.
    </>
  );
}
