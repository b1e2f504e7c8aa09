import type { Run } from '../api/types.ts';
import { duration } from '../text/numbers.ts';

const USUAL = ['queued', 'deploying', 'measuring', 'judging'];

/** The way of the run: what is done, where it is, what comes; with times. */
export function Phases({ run }: { readonly run: Run }) {
  const finished = run.phase === 'finished';
  const seconds = new Map(run.phases.map((one) => [one.phase, one.seconds]));
  const reached = run.phases.map(({ phase }) => phase);
  const coming = finished ? [] : USUAL.slice(USUAL.indexOf(run.phase) + 1);
  const names = [...new Set([...reached, ...(finished ? [] : [run.phase]), ...coming])];
  const place = names.indexOf(run.phase);
  return (
    <ol class="phases" aria-label="Phases">
      {names.map((name, index) => {
        const state = finished || index < place ? 'done' : index === place ? 'now' : 'coming';
        const time = seconds.get(name);
        return (
          <li key={name} class={state} aria-current={state === 'now' ? 'step' : undefined}>
            <span class="dot" aria-hidden="true">
              {{ done: '✓', now: '▸', coming: '·' }[state]}
            </span>
            <span class="phase-name">{name}</span>
            <span class="phase-time">
              {state === 'coming' ? 'to come' : time === undefined ? '' : duration(time)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
