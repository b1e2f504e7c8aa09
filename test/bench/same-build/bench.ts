/**
 * The demo's load on two arms with the same build, beside production with its users: what the demo's
 * margins are set from. One long measurement, cut into runs afterwards.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startProductionTraffic } from '../../../gate-service/src/demo/production-traffic.ts';
import { lookSchedule } from '../../../gate-service/src/judge/looks.ts';
import { parseThreshold } from '../../../gate-service/src/judge/threshold.ts';
import { ChildSender } from '../../../gate-service/src/load/child-sender.ts';
import { readSampleFile } from '../../../gate-service/src/load/sample-file.ts';
import { ARM_HEADER } from '../../../gate-service/src/mesh/plan.ts';
import { profiles } from '../../../gate-service/src/runs/profile.ts';
import { readCatalogue } from '../../../gate-service/src/settings/catalogue-file.ts';
import { openWorld, SERVICE } from '../swap/world.ts';
import { summarise } from './summary.ts';

const USERS_PER_SECOND = 40;
const catalogueFile = fileURLToPath(
  new URL('../../../resources/sample-application/speedgate.yaml', import.meta.url),
);

/** Option `--minutes N` (10). The last line holds, per quantile, the margin and what it is in standard errors of a whole run. */
export async function runSameBuildBench(
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string', default: '10' } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 60)) throw new Error('--minutes: expected a number up to 60');
  const service = (await readCatalogue(catalogueFile)).services.find(
    ({ name }) => name === SERVICE.name,
  );
  if (service === undefined) throw new Error(`${catalogueFile} has no service ${SERVICE.name}`);
  const { standard } = profiles;
  const windows = Math.round((minutes * 60) / standard.windowSeconds);
  const say = (line: string): void => {
    console.error(line);
  };
  const world = await openWorld({ log: () => undefined, signal });
  const file = path.join(tmpdir(), `speed-gate-same-build-${randomUUID()}.csv.gz`);
  try {
    say('two production nodes with their users, two arms of two nodes with the same build …');
    const current = await world.deploy({ environment: 'production', role: 'current', nodes: 2 });
    const baseline = await world.deploy({ environment: 'staging', role: 'baseline', nodes: 2 });
    const candidate = await world.deploy({ environment: 'staging', role: 'candidate', nodes: 2 });
    const { platform } = world;
    await platform.routeProduction(
      { service: SERVICE.name, weights: [{ armId: current.id, weight: 100 }] },
      signal,
    );
    await platform.routeMeasurement(
      {
        service: SERVICE.name,
        arms: [
          { headerValue: 'baseline', armId: baseline.id },
          { headerValue: 'candidate', armId: candidate.id },
        ],
      },
      signal,
    );
    const users = startProductionTraffic({
      ...platform.entryPoint('production'),
      authority: SERVICE.host,
      paths: service.workload.requests.filter(({ method }) => method === 'GET').map((r) => r.path),
      requestsPerSecond: USERS_PER_SECOND,
      connections: 64,
      timeoutMs: 15_000,
      maxRequests: USERS_PER_SECOND * 3700,
    });
    try {
      say(`${windows} windows of ${standard.windowSeconds} s …`);
      await new ChildSender().measure(
        {
          target: platform.entryPoint('staging'),
          authority: SERVICE.host,
          arms: [
            { name: 'baseline', headers: { [ARM_HEADER]: 'baseline' } },
            { name: 'candidate', headers: { [ARM_HEADER]: 'candidate' } },
          ],
          workload: service.workload,
          pairsPerSecond: service.workload.rate,
          arrivals: service.workload.arrivals,
          windowSeconds: standard.windowSeconds,
          windows,
          warmup: standard.warmup,
          limits: { connections: 256, requestTimeoutMs: 15_000, maxSeconds: minutes * 60 + 120 },
          freshConnections: service.workload.freshConnections,
          seed: 20_261_121,
        },
        file,
        {
          stopRequested: () => false,
          window: ({ window }) => {
            if (window >= 0 && window % 24 === 23) say(`  ${window + 1} of ${windows}`);
          },
        },
        signal,
      );
    } finally {
      const { failed, sent } = await users.stop();
      say(`production: ${sent} requests, ${failed} failed`);
    }
    const measurement = await readSampleFile(file);
    const looks = lookSchedule(standard.windows);
    const lengths = [looks[0] ?? standard.windows, standard.windows];
    const margins = new Map(
      service.thresholds.map((text) => {
        const { amount, metric } = parseThreshold(text);
        return [metric.name === 'latency' ? `p${metric.percent}` : metric.name, amount / 100];
      }),
    );
    const rows = summarise(measurement, [50, 95, 99], lengths).map((row) => {
      const margin = margins.get(row.quantile);
      const whole = row.runs.at(-1);
      return {
        ...row,
        ...(margin === undefined || whole === undefined
          ? {}
          : { margin, marginInStandardErrors: Math.log1p(margin) / whole.standardError }),
      };
    });
    const failed = measurement.samples.filter(({ status }) => status !== 'ok').length;
    console.log(
      JSON.stringify({
        bench: 'same-build',
        machine: { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' },
        minutes,
        requests: measurement.samples.length,
        failed,
        rows,
      }),
    );
  } finally {
    await world.close();
    await rm(file, { force: true });
  }
}
