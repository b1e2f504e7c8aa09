/** Where the CPU seconds of the compared arms' nodes are read during a measurement. */
import type { ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';
import { startsOf } from './integrity.ts';
import type { Machine } from './ports.ts';
import type { CpuCounters } from './window-cpu.ts';

type Observations = readonly ArmObservation[];

export interface CpuSource {
  /** CPU seconds of each arm's nodes so far; an arm that cannot be told about is missing. */
  read(): Promise<CpuCounters>;
  close(): Promise<void>;
}

/**
 * From the machine's own books, by the processes that the agents named. An agent's status costs its node
 * about 9 ms of CPU and itself as much again (a probe, mod_status, JMX): at every window's end that shows.
 * @param staging before the measurement
 */
export function cpuFromMachine(
  machine: Machine,
  arms: readonly ComparedArm[],
  staging: Observations,
): CpuSource {
  const watch = machine.watchCpu(arms.map(({ arm }) => pidsOf(staging, arm.id)));
  return {
    async read() {
      const seconds = await watch.read();
      return shared(arms, (_, index) => seconds[index]);
    },
    close: () => watch.close(),
  };
}

/** From the agents, where the nodes run elsewhere. A component that was started again ends the reading of its arm. */
export function cpuFromAgents(
  observe: () => Promise<Observations>,
  arms: readonly ComparedArm[],
  staging: Observations,
): CpuSource {
  return {
    async read() {
      const now = await observe();
      return shared(arms, ({ arm }) => {
        const same = arm.nodes.every(({ name }) => {
          const start = startsOf(staging, arm.id, name);
          return start !== undefined && start === startsOf(now, arm.id, name);
        });
        return same ? secondsOf(now, arm.id) : undefined;
      });
    },
    close: () => Promise.resolve(),
  };
}

/** Two names for the same nodes (a service without production) share what those used, as they share the requests. */
function shared(
  arms: readonly ComparedArm[],
  secondsAt: (arm: ComparedArm, index: number) => number | undefined,
): CpuCounters {
  const counters: Record<string, number> = {};
  for (const [index, compared] of arms.entries()) {
    const seconds = secondsAt(compared, index);
    const names = arms.filter(({ arm }) => arm.id === compared.arm.id).length;
    if (seconds !== undefined) counters[compared.name] = seconds / names;
  }
  return counters;
}

function pidsOf(staging: Observations, armId: string): readonly number[] {
  const nodes = staging.find(({ arm }) => arm.id === armId)?.nodes ?? [];
  return nodes
    .flatMap(({ status }) => [status?.httpd, status?.jetty])
    .flatMap((component) => (component === undefined ? [] : [component.usage.pid]));
}

function secondsOf(staging: Observations, armId: string): number | undefined {
  const nodes = staging.find(({ arm }) => arm.id === armId)?.nodes ?? [];
  if (nodes.length === 0) return undefined;
  let seconds = 0;
  for (const { status } of nodes) {
    if (status?.httpd === undefined || status.jetty === undefined) return undefined;
    seconds += status.httpd.usage.cpuSeconds + status.jetty.usage.cpuSeconds;
  }
  return seconds;
}
