/** `/metrics`: numbers about runs come from the store, those about requests from this process. */
import type { FastifyPluginCallback } from 'fastify';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ApiStore, AppDependencies } from '../dependencies.ts';

/** Hangs timing on every route and serves the numbers; register it before the routes. */
export function metricsOf(dependencies: AppDependencies): {
  readonly registry: Registry;
  readonly durations: Histogram<'method' | 'route' | 'status'>;
} {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'speed_gate_' });
  const durations = new Histogram({
    name: 'speed_gate_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last byte of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const now = dependencies.now ?? (() => new Date());
  runMetrics(registry, dependencies.store, now().toISOString());
  return { registry, durations };
}

function runMetrics(registry: Registry, store: ApiStore, startedAt: string): void {
  new Counter({
    name: 'speed_gate_runs_finished_total',
    help: 'Finished runs by service, decision and cause; counted in the store.',
    labelNames: ['service', 'decision', 'cause'] as const,
    registers: [registry],
    async collect() {
      const counts = await store.finishedCounts();
      this.reset();
      for (const { runs, ...labels } of counts) this.inc(labels, runs);
    },
  });

  new Gauge({
    name: 'speed_gate_runs_unfinished',
    help: 'Runs by phase; `queued` is the length of the queue.',
    labelNames: ['phase'] as const,
    registers: [registry],
    async collect() {
      const counts = await store.phaseCounts();
      this.reset();
      this.set({ phase: 'queued' }, 0);
      for (const [phase, runs] of counts) this.set({ phase }, runs);
    },
  });

  let since = startedAt;
  let counted = new Set<string>();
  new Histogram({
    name: 'speed_gate_run_phase_seconds',
    help: 'Time that runs spent in each phase; runs that finished since the service started.',
    labelNames: ['service', 'phase'] as const,
    buckets: [1, 2, 5, 10, 20, 40, 60, 90, 120, 180, 240, 360, 480, 720],
    registers: [registry],
    async collect() {
      const runs = (await store.finishedSince(since)).filter((run) => !counted.has(run.id));
      for (const run of runs) {
        for (const span of run.phases) {
          if (span.endedAt === undefined) continue;
          const seconds = (Date.parse(span.endedAt) - Date.parse(span.startedAt)) / 1000;
          this.observe({ service: run.service, phase: span.phase }, seconds);
        }
      }
      const last = runs.at(-1)?.finishedAt;
      if (last === undefined) return;
      // Runs may end in the same millisecond: those at the border are remembered by id.
      const border = runs.filter((run) => run.finishedAt === last).map((run) => run.id);
      counted = last === since ? new Set([...counted, ...border]) : new Set(border);
      since = last;
    },
  });
}

/** The route itself. */
export function metricsRoute(registry: Registry): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get(
      '/metrics',
      {
        config: { right: 'read' },
        schema: { hide: true },
      },
      async (_request, reply) =>
        reply.header('content-type', registry.contentType).send(await registry.metrics()),
    );
    done();
  };
}
