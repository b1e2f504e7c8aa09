import { ago, clockTime, exactInstant, shortInstant } from '../text/instants.ts';

interface Properties {
  readonly at: string;
  /** `short` with the day where it is not today, `clock` to the second, `ago` in words. */
  readonly as?: 'short' | 'clock' | 'ago';
}

/** An instant in the reader's zone, the exact one in UTC in its title. */
export function Instant({ at, as = 'short' }: Properties) {
  const text = { short: shortInstant, clock: clockTime, ago }[as](at);
  return (
    <time dateTime={at} title={exactInstant(at)}>
      {text}
    </time>
  );
}
