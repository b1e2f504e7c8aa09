import { useId } from 'preact/hooks';
import { shortInstant } from '../text/instants.ts';

/** Choices, in hours; the service allows at most 7 days. */
export const EXPIRY_HOURS = [0.25, 1, 8, 24, 167] as const;

const NAMES: Readonly<Record<number, string>> = {
  0.25: '15 minutes',
  1: '1 hour',
  8: '8 hours',
  24: '1 day',
  167: 'almost 7 days',
};

export function expiryIn(hours: number, now = Date.now()): string {
  return new Date(now + hours * 3_600_000).toISOString();
}

/** How long the order may act. */
export function ExpiryField({
  hours,
  onChange,
}: {
  readonly hours: number;
  readonly onChange: (hours: number) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>It may begin to act within</label>
      <select
        id={id}
        value={String(hours)}
        aria-describedby={`${id}-hint`}
        onChange={(event) => {
          onChange(Number(event.currentTarget.value));
        }}
      >
        {EXPIRY_HOURS.map((choice) => (
          <option key={choice} value={String(choice)}>
            {NAMES[choice]}
          </option>
        ))}
      </select>
      <p class="hint" id={`${id}-hint`}>
        Until {shortInstant(expiryIn(hours))}. After that it does nothing.
      </p>
    </div>
  );
}
