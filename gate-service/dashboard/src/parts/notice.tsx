import type { ComponentChildren } from 'preact';
import type { Problem } from '../api/problem.ts';
import type { Resource } from '../state/resource.ts';
import { clockTime } from '../text/instants.ts';

/** What went wrong and what to do about it. */
export function ProblemNotice({
  problem,
  retry,
}: {
  readonly problem: Problem;
  readonly retry?: (() => void) | undefined;
}) {
  return (
    <div class="notice bad" role="alert">
      <p>
        <span aria-hidden="true">✗ </span>
        {problem.message}
      </p>
      {problem.fields.length > 0 && (
        <ul>
          {problem.fields.map((field) => (
            <li key={field}>{field}</li>
          ))}
        </ul>
      )}
      {problem.status === 403 && <p>Ask whoever administers the gate service for the right.</p>}
      {retry !== undefined && problem.status !== 403 && (
        <p>
          <button type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

/** There is nothing, and how there comes to be something. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Keeps the place of what is being loaded, so that nothing jumps. */
export function Loading({ lines = 3 }: { readonly lines?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} class="bone" />
      ))}
    </div>
  );
}

/** Its content once there is an answer; before, its place; and what goes wrong, in words. */
export function Loaded<T>({
  of,
  children,
  lines,
}: {
  readonly of: Resource<T>;
  readonly children: (data: T) => ComponentChildren;
  readonly lines?: number;
}) {
  const { at, data, problem, refresh } = of;
  if (data === undefined) {
    if (problem === undefined) return <Loading {...(lines !== undefined && { lines })} />;
    return <ProblemNotice problem={problem} retry={refresh} />;
  }
  return (
    <>
      {problem !== undefined && at !== undefined && (
        <p class="notice open" role="status">
          <span aria-hidden="true">! </span>
          {problem.message} This is as it was at {clockTime(new Date(at).toISOString())}.
        </p>
      )}
      {children(data)}
    </>
  );
}
