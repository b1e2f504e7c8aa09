/**
 * Numbers about what runs did: each run is looked at once, when it has finished. They count from the start
 * of this process on.
 */
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ApiStore } from '../../dependencies.ts';
import type { FinishedRun } from '../../../store/run-counts.ts';
import { shared } from './shared.ts';

const SECONDS = [1, 2, 5, 10, 20, 40, 60, 90, 120, 180, 240, 360, 480, 720, 1440];
const LATENESS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

/**
 * @param startedAt ISO 8601
 * @param failed told when the store does not answer
 */
export function finishedRunMetrics(
  registry: Registry,
  store: ApiStore,
  startedAt: string,
  failed: (error: unknown) => void,
): void {
  let since = startedAt;
  let counted = new Set<string>();
  const look = shared(async () => {
    for (const run of (await store.finishedSince(since)).filter(({ id }) => !counted.has(id))) {
      const facts = await factsOf(store, run);
      // Runs may end in the same millisecond: those at the border are remembered by id.
      if (run.finishedAt !== since) counted = new Set();
      counted.add(run.id);
      since = run.finishedAt;
      observe(facts);
    }
  });
  const observe = observerOf(registry, () => look().catch(failed));
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf(store: ApiStore, { id, phases, service }: FinishedRun) {
  const [run, measurements, attempts, judgements] = await Promise.all([
    store.run(id),
    store.measurements(id),
    store.attempts(id),
    store.judgements(id),
  ]);
  return { service, phases, run, measurements, attempts, judgements };
}

function observerOf(registry: Registry, collect: () => Promise<void>): (facts: Facts) => void {
  const common = { registers: [registry], collect };
  const total = new Histogram({
    name: 'speed_gate_run_seconds',
    help: 'Time from the request of a run to its decision, the wait in the queue included.',
    labelNames: ['service', 'decision'] as const,
    buckets: SECONDS,
    ...common,
  });
  const inPhase = new Histogram({
    name: 'speed_gate_run_phase_seconds',
    help: 'Time that runs spent in each phase.',
    labelNames: ['service', 'phase'] as const,
    buckets: SECONDS,
    ...common,
  });
  const windows = new Counter({
    name: 'speed_gate_windows_total',
    help: 'Measured windows: `counted`, or `spoilt` by a sender or a machine that was not fit.',
    labelNames: ['service', 'result'] as const,
    ...common,
  });
  const lateness = new Histogram({
    name: 'speed_gate_sender_lateness_seconds',
    help: 'How late the sender was in each measurement: the 99th percentile of its median window.',
    labelNames: ['service'] as const,
    buckets: LATENESS,
    ...common,
  });
  const controls = new Counter({
    name: 'speed_gate_controls_total',
    help: 'Controls of the judgement that a decision rests on: passed, failed or not_run.',
    labelNames: ['service', 'control', 'result'] as const,
    ...common,
  });
  const evaluations = new Counter({
    name: 'speed_gate_tuning_evaluations_total',
    help: 'Configurations that the optimizer tried: measured, or dropped because they could not be.',
    labelNames: ['service', 'result'] as const,
    ...common,
  });
  const adopted = new Counter({
    name: 'speed_gate_tuning_adopted_total',
    help: 'Runs that were decided on a configuration which the optimizer found.',
    labelNames: ['service'] as const,
    ...common,
  });

  return ({ attempts, judgements, measurements, phases, run, service }) => {
    for (const { endedAt, phase, startedAt } of phases) {
      if (endedAt !== undefined) inPhase.observe({ service, phase }, seconds(startedAt, endedAt));
    }
    if (run?.finishedAt !== undefined) {
      const decision = run.decision ?? 'none';
      total.observe({ service, decision }, seconds(run.createdAt, run.finishedAt));
    }
    for (const { latenessP99Us, windowsCounted, windowsMeasured } of measurements) {
      if (latenessP99Us !== undefined) lateness.observe({ service }, latenessP99Us / 1e6);
      if (windowsCounted === undefined) continue;
      windows.inc({ service, result: 'counted' }, windowsCounted);
      windows.inc({ service, result: 'spoilt' }, windowsMeasured - windowsCounted);
    }
    const decisive = judgements.find(({ id }) => id === run?.judgementId);
    for (const { control, notRun, passed } of decisive?.judgement.controls ?? []) {
      const result = notRun === true ? 'not_run' : passed ? 'passed' : 'failed';
      controls.inc({ service, control, result });
    }
    for (const { measurementId, purpose } of attempts) {
      if (purpose !== 'tuning') continue;
      evaluations.inc({ service, result: measurementId === undefined ? 'dropped' : 'measured' });
    }
    if (run?.configuration?.adopted === true) adopted.inc({ service });
  };
}

function seconds(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
