/** CPU seconds of the compared arms' nodes, from their agents: by window, and over all windows. */
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { ArmName } from '../load/sample.ts';
import type { ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';
import { startsOf } from './integrity.ts';

type Observations = readonly ArmObservation[];
export type CpuSecondsByWindow = NonNullable<JudgedMeasurement['cpuSecondsByWindow']>;

/** Staging at the end of a window. */
export interface CpuReading {
  /** Negative in warm-up. */
  readonly window: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly staging: Observations;
}

/**
 * Readings further apart or closer together than this part of a window are not about that window: its
 * report waits for its slowest request, and an agent may be slow.
 */
const TOLERANCE = 0.25;

/** Takes a reading at the end of each window, in order, and keeps what was used between two. */
export class WindowCpu {
  readonly #arms: readonly ComparedArm[];
  readonly #windowMs: number;
  readonly #byWindow: { window: number; arm: ArmName; seconds: number }[] = [];
  #before: CpuReading | undefined;
  #last: CpuReading | undefined;

  constructor(arms: readonly ComparedArm[], windowSeconds: number) {
    this.#arms = arms;
    this.#windowMs = windowSeconds * 1000;
  }

  /** A window that nothing honest can be said about is left out. */
  add(reading: CpuReading): void {
    const from = this.#last;
    this.#last = reading;
    if (reading.window < 0) {
      this.#before = reading;
      return;
    }
    if (from === undefined || !this.#borders(from, reading)) return;
    const used = cpuSeconds(this.#arms, from.staging, reading.staging);
    for (const { name } of this.#arms) {
      const seconds = used?.[name];
      if (seconds !== undefined) {
        this.#byWindow.push({ window: reading.window, arm: name, seconds });
      }
    }
  }

  get byWindow(): CpuSecondsByWindow {
    return [...this.#byWindow];
  }

  /** From the end of warm-up to the last reading; undefined where the nodes did not tell. */
  get total(): Readonly<Partial<Record<ArmName, number>>> | undefined {
    return this.#before === undefined
      ? undefined
      : cpuSeconds(this.#arms, this.#before.staging, this.#last?.staging);
  }

  #borders(from: CpuReading, to: CpuReading): boolean {
    const follows = to.window === 0 ? from.window < 0 : from.window === to.window - 1;
    const off = Math.abs(to.atMs - from.atMs - this.#windowMs);
    return follows && off <= TOLERANCE * this.#windowMs;
  }
}

/**
 * CPU seconds of each arm's nodes between two observations. Undefined where a node is missing in one,
 * a component was started again, or a counter went backwards. Two names for the same nodes (a service
 * without production) share what those used, as they share the requests.
 */
export function cpuSeconds(
  arms: readonly ComparedArm[],
  from: Observations,
  to: Observations | undefined,
): Readonly<Partial<Record<ArmName, number>>> | undefined {
  if (to === undefined) return undefined;
  const used: Partial<Record<ArmName, number>> = {};
  for (const { name, arm } of arms) {
    const same = arm.nodes.every((node) => {
      const start = startsOf(from, arm.id, node.name);
      return start !== undefined && start === startsOf(to, arm.id, node.name);
    });
    const start = cpuOf(from, arm.id);
    const end = cpuOf(to, arm.id);
    if (!same || start === undefined || end === undefined || end < start) return undefined;
    used[name] = (end - start) / arms.filter((other) => other.arm.id === arm.id).length;
  }
  return used;
}

function cpuOf(observations: Observations, armId: string): number | undefined {
  const arm = observations.find((observation) => observation.arm.id === armId);
  if (arm === undefined || arm.nodes.length === 0) return undefined;
  let seconds = 0;
  for (const { status } of arm.nodes) {
    if (status?.httpd === undefined || status.jetty === undefined) return undefined;
    seconds += status.httpd.usage.cpuSeconds + status.jetty.usage.cpuSeconds;
  }
  return seconds;
}
