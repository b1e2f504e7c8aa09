/** Simulated requests as a measurement that the judge reads: a fit sender, every window reported. */
import type { JudgedMeasurement } from '../../../gate-service/src/judge/measurement.ts';
import type { ArmName, Sample, WindowFitness } from '../../../gate-service/src/load/sample.ts';
import type { Requests } from './traffic.ts';

/** One window's requests: the baseline's, and the candidate's or those of the planted block. */
export interface SentWindow {
  readonly baseline: Requests;
  readonly other: Requests;
}

export interface Plan {
  /** Windows planned; the planted block is numbered from here on. */
  readonly planned: number;
  /** At the end of what was sent. */
  readonly plantedWindows: number;
  readonly plantedMs: number;
  readonly windowSeconds: number;
}

export function measurementOf(windows: readonly SentWindow[], plan: Plan): JudgedMeasurement {
  const samples: Sample[] = [];
  const fitness: WindowFitness[] = [];
  const compared = windows.length - plan.plantedWindows;
  for (const [index, { baseline, other }] of windows.entries()) {
    const planted = index >= compared;
    const window = planted ? plan.planned + index - compared : index;
    const at = { window, windowSeconds: plan.windowSeconds };
    add(samples, 'baseline', at, baseline, 0);
    add(samples, planted ? 'planted' : 'candidate', at, other, planted ? plan.plantedMs : 0);
    const sent = baseline.latencyMs.length + other.latencyMs.length;
    fitness.push({
      window,
      latenessP99Us: 500,
      runQueueShare: 0.01,
      foreignCores: 0.1,
      sent,
      received: sent,
    });
  }
  return {
    windowsPlanned: plan.planned,
    samples,
    fitness,
    counters: { sent: samples.length, received: samples.length, inFlight: 0, cpuSeconds: 20 },
    steady: true,
    plantedDelayUs: plan.plantedMs * 1000,
  };
}

function add(
  samples: Sample[],
  arm: ArmName,
  { window, windowSeconds }: { readonly window: number; readonly windowSeconds: number },
  { latencyMs, launch }: Requests,
  delayMs: number,
): void {
  const names = launchNames(arm === 'planted' ? 'baseline' : arm);
  const begin = window * windowSeconds * 1e6;
  const step = (windowSeconds * 1e6) / latencyMs.length;
  for (let i = 0; i < latencyMs.length; i += 1) {
    samples.push({
      arm,
      launch: names[launch[i] ?? 0] ?? '-',
      window,
      kind: 'any',
      intendedUs: Math.round(begin + i * step),
      latencyUs: Math.round(((latencyMs[i] ?? 0) + delayMs) * 1000),
      status: 'ok',
    });
  }
}

const nameLists = new Map<string, readonly string[]>();

function launchNames(arm: string): readonly string[] {
  const known = nameLists.get(arm);
  if (known !== undefined) return known;
  const names = Array.from({ length: 256 }, (_, index) => `${arm}-${index + 1}`);
  nameLists.set(arm, names);
  return names;
}
