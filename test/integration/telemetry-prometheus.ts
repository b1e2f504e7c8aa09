/** A real Prometheus of a test's own; its targets are changed while it runs, as those of pods are. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { stringify } from 'yaml';
import { freePorts } from '../../gate-service/src/processes/free-port.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';

export interface Target {
  /** As `HOST:PORT`. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

export class TestPrometheus {
  readonly url: string;
  readonly #directory: string;
  readonly #process: ChildProcess;

  private constructor(directory: string, port: number, process: ChildProcess) {
    this.#directory = directory;
    this.url = `http://127.0.0.1:${port}`;
    this.#process = process;
  }

  /** Scrapes these each second, under the job `envoy`. */
  static async start(
    targets: readonly Target[],
    metricsPath = '/stats/prometheus',
  ): Promise<TestPrometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'speed-gate-prometheus-'));
    const [port] = await freePorts(1);
    const configuration = {
      global: { scrape_interval: '1s', scrape_timeout: '900ms' },
      scrape_configs: [
        {
          job_name: 'envoy',
          metrics_path: metricsPath,
          file_sd_configs: [{ files: [join(directory, 'targets.json')], refresh_interval: '1s' }],
        },
      ],
    };
    await writeFile(join(directory, 'prometheus.yaml'), stringify(configuration));
    const child = spawn(
      loadComponents().prometheus.path,
      [
        `--config.file=${join(directory, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const prometheus = new TestPrometheus(directory, port!, child);
    await prometheus.scrape(targets);
    return prometheus;
  }

  /** Changes what is scraped. */
  async scrape(targets: readonly Target[]): Promise<void> {
    const file = join(this.#directory, 'targets.json');
    const groups = targets.map(({ address, labels }) => ({ targets: [address], labels }));
    await writeFile(`${file}.new`, JSON.stringify(groups));
    await rename(`${file}.new`, file);
  }

  /** Resolves when the last sample of a query has this value or more. */
  async untilScraped(query: string, atLeast: number): Promise<void> {
    await vi.waitFor(
      async () => {
        const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(query)}`);
        const { data } = (await answer.json()) as {
          data: { result: { value: [number, string] }[] };
        };
        const value = Number(data.result[0]?.value[1] ?? NaN);
        if (!(value >= atLeast)) throw new Error(`${query} is ${value}`);
      },
      { timeout: 60_000, interval: 200 },
    );
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
