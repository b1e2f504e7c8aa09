/** A finished run as spans, in the JSON encoding of OTLP 1 (`ExportTraceServiceRequest`). Pure. */
import { createHash } from 'node:crypto';
import type { RunRecord } from '../runs/records.ts';

/** Of OTLP's span kinds and status codes, those that are used. */
const INTERNAL = 1;
const STATUS_ERROR = 2;

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/**
 * The run as one span, and each of its phases as a child. The ids follow from the run's: told twice,
 * it is the same trace. A run without an end gives nothing.
 * @returns the body of a request to `/v1/traces`
 */
export function runSpans(run: RunRecord): object | undefined {
  const endedAt = run.finishedAt;
  if (endedAt === undefined) return undefined;
  const root: Span = {
    ...ids(run.id, 'run'),
    name: `gate run ${run.service}`,
    ...times(run.createdAt, endedAt),
    attributes: attributesOf(run),
    // What the gate found is its answer, not its failure.
    status:
      run.cause === 'platform-failed'
        ? { code: STATUS_ERROR, ...(run.summary === undefined ? {} : { message: run.summary }) }
        : {},
  };
  const phases = run.phases
    .filter(({ phase }) => phase !== 'finished')
    .map(({ phase, startedAt, endedAt: phaseEnd = endedAt }, index): Span => ({
      ...ids(run.id, `phase ${index}`),
      parentSpanId: root.spanId,
      name: phase,
      ...times(startedAt, phaseEnd),
      attributes: attributes({ 'speed_gate.run.id': run.id, 'speed_gate.phase': phase }),
      status: {},
    }));
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes({ 'service.name': 'speed-gate' }) },
        scopeSpans: [{ scope: { name: 'speed-gate' }, spans: [root, ...phases] }],
      },
    ],
  };
}

function attributesOf(run: RunRecord): readonly Attribute[] {
  return attributes({
    'speed_gate.run.id': run.id,
    'speed_gate.service': run.service,
    'speed_gate.build': run.build,
    'speed_gate.label': run.label,
    'speed_gate.profile': run.settings.profile,
    'speed_gate.decision': run.decision,
    'speed_gate.cause': run.cause,
    'speed_gate.summary': run.summary,
  });
}

function attributes(values: Readonly<Record<string, string | undefined>>): readonly Attribute[] {
  return Object.entries(values).flatMap(([key, stringValue]) =>
    stringValue === undefined ? [] : [{ key, value: { stringValue } }],
  );
}

function ids(runId: string, part: string): Pick<Span, 'traceId' | 'spanId' | 'kind'> {
  return {
    traceId: digest(`speed-gate run ${runId}`).slice(0, 32),
    spanId: digest(`speed-gate run ${runId} ${part}`).slice(0, 16),
    kind: INTERNAL,
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Nanoseconds since the epoch do not fit into a number: OTLP has them as text. */
function times(from: string, to: string): Pick<Span, 'startTimeUnixNano' | 'endTimeUnixNano'> {
  const start = Date.parse(from);
  const nanoseconds = (ms: number): string => (BigInt(ms) * 1_000_000n).toString();
  return {
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(Math.max(start, Date.parse(to))),
  };
}
