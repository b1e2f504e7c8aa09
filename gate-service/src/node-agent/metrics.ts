/** The node's status as Prometheus metrics, all labelled by node. */
import { Gauge, Registry } from 'prom-client';
import type { NodeStatus } from './protocol.ts';

interface Metrics {
  /** Prometheus text of this status. */
  render(status: NodeStatus): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(node: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ node });
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `speed_gate_node_${name}`, help, labelNames, registers: [registry] });

  const ready = gauge('ready', '1 when a request through httpd to Jetty is answered below 400');
  const workers = gauge('httpd_workers', 'Worker threads of httpd', 'state');
  const stopping = gauge('httpd_stopping_children', 'Children of a former generation');
  const connections = gauge('httpd_connections', 'Connections to httpd', 'state');
  const accesses = gauge('httpd_accesses_total', 'Requests since the start of httpd');
  const duration = gauge('httpd_duration_seconds_total', 'Time spent on all requests');
  const threads = gauge('jetty_threads', 'Threads of the Jetty pool', 'state');
  const queue = gauge('jetty_queue', 'Jobs that wait for a Jetty thread');
  const cpu = gauge('cpu_seconds_total', 'CPU since the start of the component', 'component');
  const memory = gauge(
    'resident_bytes',
    'Resident memory, shared pages counted each time',
    'component',
  );
  const restarts = gauge('restarts_total', 'How often the agent started it again', 'component');

  return {
    contentType: registry.contentType,
    async render(status) {
      registry.resetMetrics();
      const { httpd, jetty } = status;
      ready.set(status.health === 'ready' ? 1 : 0);
      if (httpd !== undefined) {
        workers.set({ state: 'busy' }, httpd.busyWorkers);
        workers.set({ state: 'idle' }, httpd.idleWorkers);
        stopping.set(httpd.stopping);
        connections.set({ state: 'open' }, httpd.connectionsTotal);
        connections.set({ state: 'keep-alive' }, httpd.connectionsAsyncKeepAlive);
        accesses.set(httpd.totalAccesses);
        duration.set(httpd.totalDuration / 1000);
      }
      if (jetty !== undefined) {
        threads.set({ state: 'all' }, jetty.threads);
        threads.set({ state: 'utilized' }, jetty.utilizedThreads);
        threads.set({ state: 'minimum' }, jetty.minThreads);
        threads.set({ state: 'maximum' }, jetty.maxThreads);
        queue.set(jetty.queueSize);
      }
      for (const [component, part] of Object.entries({ httpd, jetty })) {
        if (part === undefined) continue;
        cpu.set({ component }, part.usage.cpuSeconds);
        memory.set({ component }, part.usage.residentMiB * 1024 * 1024);
        restarts.set({ component }, part.usage.restarts);
      }
      return registry.metrics();
    },
  };
}
