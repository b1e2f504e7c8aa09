/** A Prometheus of this machine that scrapes the production gateways' Envoys once a second, as the gate wants it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { KubernetesClient } from '../../../gate-service/src/platforms/kubernetes/client/client.ts';
import { gatewayPods } from '../../../gate-service/src/platforms/kubernetes/mesh/proxies.ts';
import {
  startDetached,
  stopProcess,
} from '../../../gate-service/src/processes/detached-process.ts';
import { freePort } from '../../../gate-service/src/processes/free-port.ts';
import { loadComponents } from '../../../gate-service/src/settings/components.ts';
import { gateways } from '../../support/cluster/layout.ts';
import { until } from '../../support/processes.ts';
import { ADMIN_PORT } from './istio-bed.ts';

export interface GatewayPrometheus {
  readonly url: string;
  /** It answers nobody any more, until it goes on. */
  pause(): void;
  goOn(): void;
  stop(): Promise<void>;
}

/** @param address where it listens: pods reach the cluster's address, not this machine's loopback */
export async function startGatewayPrometheus(
  client: KubernetesClient,
  address = '127.0.0.1',
): Promise<GatewayPrometheus> {
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-prometheus-'));
  const pods = await gatewayPods(client, [gateways.production.gateway]);
  const configuration = path.join(folder, 'prometheus.yaml');
  await mkdir(path.join(folder, 'data'));
  await writeFile(
    configuration,
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '900ms' },
      scrape_configs: [
        {
          job_name: 'envoy',
          metrics_path: '/stats/prometheus',
          static_configs: pods.map((pod) => ({
            targets: [`${pod.address}:${ADMIN_PORT}`],
            labels: { environment: 'production', pod: pod.name },
          })),
        },
      ],
    }),
  );
  const port = await freePort();
  const url = `http://${address}:${port}`;
  const record = await startDetached({
    command: loadComponents().prometheus.path,
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}:${port}`,
      '--log.level=warn',
    ],
    cwd: folder,
    logFile: path.join(folder, 'prometheus.log'),
  });
  const signal = (name: NodeJS.Signals) => () => {
    process.kill(record.pid, name);
  };
  const stop = async (): Promise<void> => {
    await stopProcess(record, { signal: 'SIGTERM', graceMs: 10_000, target: 'leader' });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until('Prometheus has scraped every gateway', async () => {
      const answer = await fetch(
        `${url}/api/v1/query?query=${encodeURIComponent('sum(up)')}`,
      ).catch(() => undefined);
      if (answer?.status !== 200) return undefined;
      const body = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(body.data.result[0]?.value[1] ?? 0) === pods.length ? true : undefined;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pause: signal('SIGSTOP'), goOn: signal('SIGCONT'), stop };
}
