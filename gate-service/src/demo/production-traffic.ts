import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface TrafficPlan {
  readonly host: string;
  readonly port: number;
  /** Host header. */
  readonly authority: string;
  /** Sent in turn; `${sequence}` becomes the number of the request. Safe to repeat. */
  readonly paths: readonly string[];
  readonly requestsPerSecond: number;
  readonly connections: number;
  readonly timeoutMs: number;
  /** The traffic ends by itself after this many requests. */
  readonly maxRequests: number;
}

export interface TrafficCounters {
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly inFlight: number;
  /** How often by reason: a status or an error code. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface ProductionTraffic {
  counters(): Promise<TrafficCounters>;
  /** Waits for what is in flight. */
  stop(): Promise<TrafficCounters>;
}

/** Starts constant traffic in a process of its own. */
export function startProductionTraffic(plan: TrafficPlan): ProductionTraffic {
  const child = fork(fileURLToPath(new URL('traffic-process.ts', import.meta.url)), [
    JSON.stringify(plan),
  ]);
  const ask = (message: 'counters' | 'stop'): Promise<TrafficCounters> =>
    new Promise((resolve, reject) => {
      const gone = (code: number | null): void => {
        reject(
          new Error(
            `the production traffic ended with code ${String(code)} before it was asked to`,
          ),
        );
      };
      child.once('exit', gone);
      child.once('message', (counters) => {
        child.off('exit', gone);
        resolve(counters as unknown as TrafficCounters);
      });
      child.send(message);
    });
  return { counters: () => ask('counters'), stop: () => ask('stop') };
}
