/**
 * `/metrics`. Numbers about runs, promotions, overrides and deliveries come from the store: every replica
 * says the same of them, and a restart forgets nothing. Those about requests and the process are its own.
 */
import type { FastifyPluginCallback } from 'fastify';
import { Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { AppDependencies } from '../dependencies.ts';
import { everyService } from '../identity/authenticate.ts';
import { finishedRunMetrics } from './metrics/finished-runs.ts';
import { replicaMetrics } from './metrics/replica.ts';
import { storedMetrics } from './metrics/stored.ts';

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
  const failed = replicaMetrics(registry, dependencies);
  storedMetrics({ registry, store: dependencies.store, now, failed });
  finishedRunMetrics(registry, dependencies.store, now().toISOString(), failed);
  return { registry, durations };
}

/** The route itself. */
export function metricsRoute(registry: Registry): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get(
      '/metrics',
      {
        // They tell of every service.
        config: { right: 'read', service: everyService },
        schema: { hide: true },
      },
      async (_request, reply) =>
        reply.header('content-type', registry.contentType).send(await registry.metrics()),
    );
    done();
  };
}
