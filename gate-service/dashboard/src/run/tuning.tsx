import type { Run, RunEvent, Tuning as TuningResult, TuningEvaluation } from '../api/types.ts';
import { ThresholdCharts } from '../charts/interval-chart.tsx';
import { Ticks } from '../charts/parts.tsx';
import type { Scale } from '../charts/scale.ts';
import { trajectoryScale, TrajectoryBar } from '../charts/trajectory.tsx';
import { Instant } from '../parts/instant.tsx';
import { Facts } from '../parts/section.tsx';
import { Mark } from '../parts/sign.tsx';
import { amount } from '../text/numbers.ts';
import { sentenceOf } from '../text/words.ts';
import { SOURCES, tuningOutcomeSign, tuningVerdictSign } from '../text/tuning-words.ts';

/** What the optimizer tried, in order, why, what it expected, and what came of it. */
export function Tuning({
  events,
  run,
}: {
  readonly run: Run;
  readonly events: readonly RunEvent[];
}) {
  const effect = run.configurationEffect ?? [];
  return (
    <>
      {run.tuning === undefined ? (
        <Told events={events} />
      ) : (
        <Trajectory tuning={run.tuning} events={events} />
      )}
      {effect.length > 0 && (
        <>
          <h3>Effect of the configuration last tried, on the same build</h3>
          <ThresholdCharts outcomes={effect} />
        </>
      )}
    </>
  );
}

function Trajectory({
  events,
  tuning,
}: {
  readonly tuning: TuningResult;
  readonly events: readonly RunEvent[];
}) {
  const { advice = [], evaluations, memory, objective, outcome, summary } = tuning;
  const scale = trajectoryScale(evaluations);
  return (
    <>
      <p>
        <Mark sign={tuningOutcomeSign(outcome)} />: {summary}
      </p>
      {memory.map((sentence) => (
        <p key={sentence} class="quiet">
          {sentenceOf(sentence)}
        </p>
      ))}
      {evaluations.length > 0 && (
        <p class="quiet">
          A challenger is the candidate’s build on another stack configuration, measured beside the
          configuration in force.
        </p>
      )}
      {evaluations.length > 0 && (
        <figure class="thresholds">
          <ol class="tuning">
            {evaluations.map((evaluation) => (
              <Evaluation
                key={evaluation.number}
                evaluation={evaluation}
                objective={objective}
                scale={scale}
                values={valuesOf(events, evaluation)}
              />
            ))}
          </ol>
          <figcaption class="axis-row">
            <span class="axis-name">
              {objective} against the configuration in force; dashed: expected, solid: measured
            </span>
            <Ticks axis="relative-change" scale={scale} />
          </figcaption>
        </figure>
      )}
      {advice.length > 0 && (
        <>
          <h3>Left to a person</h3>
          <ul>
            {advice.map((sentence) => (
              <li key={sentence}>{sentenceOf(sentence)}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Evaluation({
  evaluation,
  objective,
  scale,
  values,
}: {
  readonly evaluation: TuningEvaluation;
  readonly objective: string;
  readonly scale: Scale;
  readonly values: unknown;
}) {
  const { changes, margins, measured, number, predicted, reason, sentence, source, verdict } =
    evaluation;
  return (
    <li>
      <div class="threshold-row">
        <div class="threshold-name">
          <span>
            Challenger {number}, {SOURCES[source]}
          </span>
          <Mark sign={tuningVerdictSign(verdict)} />
        </div>
        <TrajectoryBar
          evaluation={evaluation}
          scale={scale}
          tone={tuningVerdictSign(verdict).tone}
        />
        <div class="threshold-words">
          <Facts
            of={[
              ['Why', sentenceOf(reason)],
              ['Changed', <Changes key="changed" changes={changes} />],
              ['Expected', predicted === undefined ? 'nothing' : expectation(objective, predicted)],
              [
                'Measured',
                measured === undefined ? unmeasured(verdict) : measurement(objective, measured),
              ],
              ...(margins.length === 0
                ? []
                : [['Limits', margins.map(marginWords).join('; ')] as const]),
              ['Result', sentenceOf(sentence)],
            ]}
          />
        </div>
      </div>
      <Values values={values} />
    </li>
  );
}

function Changes({ changes }: Pick<TuningEvaluation, 'changes'>) {
  return (
    <>
      {changes.map(({ from, knob, share, to }, index) => (
        <span key={knob}>
          {index > 0 && ', '}
          <code>{knob}</code> {String(from)} → {String(to)}
          {share !== undefined &&
            changes.length > 1 &&
            ` (${Math.round(share * 100)} % of what is expected)`}
        </span>
      ))}
    </>
  );
}

function expectation(
  objective: string,
  predicted: NonNullable<TuningEvaluation['predicted']>,
): string {
  return `${objective} ${range(predicted)}; ${Math.round(predicted.safe * 100)} % likely to hold all limits`;
}

const unmeasured = (verdict: TuningEvaluation['verdict']): string =>
  verdict === 'under-way' ? 'not yet' : 'too little to compare';

function measurement(
  objective: string,
  measured: NonNullable<TuningEvaluation['measured']>,
): string {
  return `${objective} ${range(measured)} in ${measured.windows} windows`;
}

function range(of: { readonly change: number; readonly low: number; readonly high: number }) {
  const [change, low, high] = [of.change, of.low, of.high].map((value) =>
    amount(value, 'relative-change'),
  );
  return `${change} (${low} … ${high})`;
}

function marginWords({ max, measured, metric, share }: TuningEvaluation['margins'][number]) {
  const axis = metric.startsWith('errors') ? 'share' : 'ms';
  const room = share < 0 ? 'broken' : `${Math.round(share * 100)} % of it left`;
  return `${metric} ${amount(measured, axis)}, limit ${amount(max, axis)}: ${room}`;
}

/** The whole configuration is in the event alone. */
function valuesOf(events: readonly RunEvent[], { configurationHash }: TuningEvaluation): unknown {
  return events.findLast(
    ({ data, type }) =>
      type === 'tuning' && data.configuration === configurationHash && data.values !== undefined,
  )?.data.values;
}

/** Runs of before there was a record of tuning: what was told of it. */
function Told({ events }: { readonly events: readonly RunEvent[] }) {
  return (
    <ol class="tuning">
      {events
        .filter(({ type }) => type === 'tuning')
        .map(({ at, data, message, sequence }) => (
          <li key={sequence}>
            <p>
              <span class="quiet">
                <Instant at={at} as="clock" />
              </span>{' '}
              {typeof data.adopted === 'boolean' && (
                <Mark sign={tuningVerdictSign(data.adopted ? 'adopted' : 'rejected')} />
              )}{' '}
              {message}
            </p>
            <Values values={data.values} />
          </li>
        ))}
    </ol>
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
