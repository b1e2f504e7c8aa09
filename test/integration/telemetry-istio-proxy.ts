/**
 * What a gateway with Istio's own proxy shows to Prometheus, kept by the test: names, labels and the
 * values of labels are those of Istio's stats filter (`reporter` source at a gateway, `latest` and
 * `unknown` where no pod was reached). The proxy itself is not here, its build cannot be had; what
 * scrapes and answers is a real Prometheus.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const BOUNDS_MS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000];

export interface Counted {
  readonly host: string;
  /** Of the pod that answered; absent where none was reached. */
  readonly revision?: string;
  readonly code: number;
  readonly flags?: string;
  readonly ms: number;
  readonly times: number;
}

export class IstioProxy {
  readonly #server: Server;
  #counters = new Map<string, number>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<IstioProxy> {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(proxy.#text());
    });
    const proxy = new IstioProxy(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A gateway reports as `source`; pods that report the same requests once more as `destination`. */
  count({ code, flags = '-', host, ms, revision, times }: Counted, reporter = 'source'): void {
    const labels = [
      `reporter="${reporter}"`,
      `destination_service="${host}"`,
      `destination_workload="${revision === undefined ? 'unknown' : `speed-gate-${revision}`}"`,
      `destination_canonical_revision="${revision ?? 'latest'}"`,
      `response_code="${code}"`,
      `response_flags="${flags}"`,
    ].join(',');
    this.#add(`istio_requests_total{${labels}}`, times);
    for (const bound of [...BOUNDS_MS, Infinity]) {
      const le = bound === Infinity ? '+Inf' : String(bound);
      const bucket = `istio_request_duration_milliseconds_bucket{${labels},le="${le}"}`;
      this.#add(bucket, ms <= bound ? times : 0);
    }
  }

  /** All counters begin again, as those of a new process at the same address. */
  restart(): void {
    this.#counters = new Map();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #add(series: string, value: number): void {
    this.#counters.set(series, (this.#counters.get(series) ?? 0) + value);
  }

  #text(): string {
    const lines = [...this.#counters].map(([series, value]) => `${series} ${value}`);
    return [`istio_build{component="proxy",tag="1.28.0"} 1`, ...lines, ''].join('\n');
  }
}
