/** Numbers about this replica: which build it is, whether it drives, whether it reaches the store. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { AppDependencies } from '../../dependencies.ts';
import { version } from './version.ts';

const STORE_TIMEOUT_MS = 1_000;

/**
 * @returns to be called when the store did not give a number: the number is missing then, and the answer
 *   still says the rest
 */
export function replicaMetrics(
  registry: Registry,
  { logger, runs, store }: Pick<AppDependencies, 'logger' | 'runs' | 'store'>,
): (error: unknown) => void {
  const registers = [registry];
  new Gauge({
    name: 'speed_gate_build_info',
    help: 'Always 1; the labels say which version this is.',
    labelNames: ['version', 'node'] as const,
    registers,
  }).set({ version, node: process.version }, 1);

  new Gauge({
    name: 'speed_gate_driving',
    help: '1 at the replica that drives runs and promotions, 0 at one that stands by.',
    registers,
    collect() {
      this.set(runs.driving().here ? 1 : 0);
    },
  });
  new Gauge({
    name: 'speed_gate_driver_known',
    help: '1 while some replica is known to drive; 0: queued runs wait.',
    registers,
    collect() {
      const { here, holder } = runs.driving();
      this.set(here || holder !== undefined ? 1 : 0);
    },
  });
  new Gauge({
    name: 'speed_gate_store_up',
    help: '1 when the database answered within a second.',
    registers,
    async collect() {
      const up = await store.ping(STORE_TIMEOUT_MS).then(
        () => 1,
        () => 0,
      );
      this.set(up);
    },
  });
  const failures = new Counter({
    name: 'speed_gate_metrics_collect_failures_total',
    help: 'Numbers that the store did not give; they are missing from that answer.',
    registers,
  });
  return (error) => {
    failures.inc();
    logger?.warn({ err: error }, 'a number for /metrics could not be read from the store');
  };
}
