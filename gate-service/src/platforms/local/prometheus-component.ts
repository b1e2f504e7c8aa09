/** Prometheus of the platform: scrapes both Envoys and every node agent once a second. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileAtomically } from '../../processes/process-record.ts';
import { Component } from './component.ts';
import type { Folders } from './folders.ts';
import type { PlatformState } from './state.ts';

const RETENTION = '6h';
/** What telemetry and the dashboards read; the rest of an Envoy's thousands of series is left out. */
const KEPT =
  'envoy_cluster_(upstream_(rq|cx)_.*|membership_.*|outlier_.*)|envoy_(http|listener)_downstream_(rq|cx)_.*|envoy_http_rds_.*|envoy_cluster_manager_.*|envoy_listener_manager_lds_.*|envoy_server_(live|uptime|memory_.*)';

export function prometheusFiles(folders: Folders) {
  return {
    configuration: join(folders.prometheus, 'prometheus.yaml'),
    token: join(folders.prometheus, 'agent-token'),
    envoys: join(folders.prometheus, 'targets', 'envoys.json'),
    nodes: join(folders.prometheus, 'targets', 'nodes.json'),
    data: join(folders.prometheus, 'data'),
  };
}

/** Writes configuration and targets and gives the component. */
export async function prometheusComponent(
  folders: Folders,
  state: PlatformState,
  prometheus: string,
): Promise<Component> {
  const files = prometheusFiles(folders);
  await mkdir(files.data, { recursive: true });
  await writeFileAtomically(files.token, state.token);
  await writeFileAtomically(files.configuration, configurationText(files));
  const envoys = (['staging', 'production'] as const).map((environment) => ({
    targets: [`127.0.0.1:${state.ports[environment].admin}`],
    labels: { environment },
  }));
  await writeFileAtomically(files.envoys, JSON.stringify(envoys));
  await writeNodeTargets(folders, state);
  const port = state.ports.prometheus;
  return new Component(
    {
      name: 'prometheus',
      title: 'Prometheus',
      command: prometheus,
      args: [
        `--config.file=${files.configuration}`,
        `--storage.tsdb.path=${files.data}`,
        `--storage.tsdb.retention.time=${RETENTION}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      marker: files.data,
      cwd: folders.prometheus,
      ports: [{ name: 'http', port }],
      isReady: () => isReady(port),
      readyMs: 60_000,
      stop: { signal: 'SIGTERM', graceMs: 10_000 },
    },
    folders,
  );
}

/** Tells Prometheus which agents there are; it watches the file. */
export async function writeNodeTargets(folders: Folders, state: PlatformState): Promise<void> {
  const targets = state.arms.flatMap((arm) =>
    arm.nodes.map((node) => ({
      targets: [`127.0.0.1:${node.ports.agent}`],
      labels: {
        environment: arm.environment,
        service: arm.service.name,
        subset: arm.id,
        node: node.name,
      },
    })),
  );
  await writeFileAtomically(prometheusFiles(folders).nodes, JSON.stringify(targets));
}

function configurationText(files: ReturnType<typeof prometheusFiles>): string {
  const discovery = (file: string) => [{ files: [file], refresh_interval: '5s' }];
  return stringify({
    global: { scrape_interval: '1s', scrape_timeout: '900ms' },
    scrape_configs: [
      {
        job_name: 'envoy',
        metrics_path: '/stats/prometheus',
        file_sd_configs: discovery(files.envoys),
        metric_relabel_configs: [{ source_labels: ['__name__'], regex: KEPT, action: 'keep' }],
      },
      {
        job_name: 'node-agent',
        authorization: { credentials_file: files.token },
        file_sd_configs: discovery(files.nodes),
        // The agent names its node as well; the target's own label is the one that counts.
        honor_labels: false,
      },
    ],
  });
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`, {
      signal: AbortSignal.timeout(2000),
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
