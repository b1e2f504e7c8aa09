/** What the sender is told for one comparison. */
import type { ArmName } from '../load/sample.ts';
import type { MeasurementPlan, SenderArm } from '../load/sender.ts';
import type { ArmObservation } from '../platforms/platform.ts';
import type { ComparisonRequest } from './compared.ts';
import { replacementsFor } from './compared.ts';
import type { RunContext } from './run-context.ts';

/** Longest time for a request before it counts as failed. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS = 512;
/** For requests under way at the end, and for what the machine makes of it. */
const SPARE_SECONDS = 60;

/** @param pids processes whose CPU is not foreign, see {@link ownPids} */
export function planOf(
  context: RunContext,
  request: ComparisonRequest,
  attempt: number,
  pids: readonly number[],
): MeasurementPlan {
  const { profile, service } = context;
  const { headers } = context.deps;
  const { workload, seed } = context.run.settings;
  const [first, second] = request.arms.map(({ name }) => armOf(name, headers.arm)) as [
    SenderArm,
    SenderArm,
  ];
  const entry = context.deps.world.platform.entryPoint('staging', service.name);
  const replacements = replacementsFor(request.windows);
  const plantedWindows = request.planted === undefined ? 0 : profile.planted.windows;
  return {
    target: { host: entry.host, port: entry.port },
    authority: entry.authority ?? service.hosts[0] ?? service.name,
    arms: [first, second],
    ...(request.planted !== undefined
      ? {
          planted: {
            name: 'planted' as const,
            headers: { ...first.headers, [headers.planted]: '1' },
            windows: plantedWindows,
            delayMs: profile.planted.delayMs,
          },
        }
      : {}),
    workload,
    pairsPerSecond: workload.rate,
    arrivals: workload.arrivals,
    windowSeconds: profile.windowSeconds,
    windows: request.windows,
    replacements,
    warmup: request.warmup,
    limits: {
      connections: CONNECTIONS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      maxSeconds:
        request.warmup.maxSeconds +
        (request.windows + replacements + plantedWindows) * profile.windowSeconds +
        SPARE_SECONDS,
    },
    freshConnections: workload.freshConnections,
    service: service.name,
    // Where the nodes run elsewhere their processes are nobody's here.
    ...(context.deps.machine === undefined ? { contained: true } : { ownPids: pids }),
    // Fresh data: every attempt has its own arrivals and pairing, all from the run's seed.
    seed: (seed + attempt) >>> 0,
  };
}

/** Processes whose CPU is not foreign to the measurement: the gate's, and all nodes of the service. */
export async function ownPids(
  context: RunContext,
  staging: readonly ArmObservation[],
): Promise<readonly number[]> {
  const { ownProcesses, world } = context.deps;
  const production = await world.observe(context.service.name, 'production');
  const nodes = [...staging, ...production].flatMap((observation) => observation.nodes);
  const components = nodes.flatMap(({ status }) => [status?.httpd, status?.jetty]);
  const pids = components.flatMap((component) =>
    component === undefined ? [] : [component.usage.pid],
  );
  return [...new Set([...pids, ...((await ownProcesses?.()) ?? [])])];
}

function armOf(name: ArmName, header: string): SenderArm {
  return { name, headers: { [header]: name } };
}
