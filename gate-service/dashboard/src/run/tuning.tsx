import type { Run, RunEvent } from '../api/types.ts';
import { ThresholdCharts } from '../charts/interval-chart.tsx';
import { Instant } from '../parts/instant.tsx';
import { Mark } from '../parts/sign.tsx';
import type { Sign } from '../text/words.ts';

const ADOPTED: Sign = { tone: 'good', icon: '✓', word: 'adopted' };
const LEFT: Sign = { tone: 'open', icon: '·', word: 'not adopted' };

/** What the optimizer tried, in order, why, and what came of it. */
export function Tuning({
  events,
  run,
}: {
  readonly run: Run;
  readonly events: readonly RunEvent[];
}) {
  const steps = events.filter(({ type }) => type === 'tuning');
  const effect = run.configurationEffect ?? [];
  return (
    <>
      <ol class="tuning">
        {steps.map(({ at, data, message, sequence }) => (
          <li key={sequence}>
            <p>
              <span class="quiet">
                <Instant at={at} as="clock" />
              </span>{' '}
              {typeof data.adopted === 'boolean' && <Mark sign={data.adopted ? ADOPTED : LEFT} />}{' '}
              {message}
            </p>
            <Values values={data.values} />
          </li>
        ))}
      </ol>
      {effect.length > 0 && (
        <>
          <h3>Effect of the configuration last tried, on the same build</h3>
          <ThresholdCharts outcomes={effect} />
        </>
      )}
    </>
  );
}

function Values({ values }: { readonly values: unknown }) {
  if (typeof values !== 'object' || values === null) return null;
  return <ConfigurationValues values={values as Readonly<Record<string, unknown>>} />;
}

/** All knobs of a stack configuration. */
export function ConfigurationValues({
  values,
}: {
  readonly values: Readonly<Record<string, unknown>>;
}) {
  return (
    <details>
      <summary>All knobs</summary>
      <dl class="knobs">
        {Object.entries(values).map(([name, value]) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
