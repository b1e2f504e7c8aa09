import type { Attempt } from '../api/types.ts';
import { Mark } from '../parts/sign.tsx';
import { signOf } from '../text/words.ts';

/** Every attempt at measuring, also those that did not count. */
export function Attempts({ attempts }: { readonly attempts: readonly Attempt[] }) {
  return (
    <ol class="attempts">
      {attempts.map(({ judgement, number, purpose, sentence }) => (
        <li key={number} value={number}>
          <p>
            <span class="quiet">{purpose}</span>{' '}
            {judgement !== undefined && <Mark sign={signOf(judgement.cause)} />}
          </p>
          <p>{sentence}</p>
          {judgement !== undefined && (
            <p class="quiet">
              {judgement.windows.counted} of {judgement.windows.planned} windows count,{' '}
              {judgement.windows.dropped} were spoilt.
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
