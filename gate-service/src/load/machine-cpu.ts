/** Sums over /proc. Pure. */
import type { ProcessStat } from '../processes/proc-stat.ts';

const TICKS_PER_SECOND = 100;

/**
 * CPU seconds that all cores together were busy: user, nice, system, irq, softirq and steal of the
 * first line of /proc/stat (proc(5)); idle and iowait are not work, guest is in user already.
 * @throws when the text is not /proc/stat
 */
export function machineCpuSeconds(procStat: string): number {
  const fields = /^cpu\s+(.*)$/m.exec(procStat)?.[1]?.split(/\s+/).map(Number) ?? [];
  const [user, nice, system, , , irq = 0, softirq = 0, steal = 0] = fields;
  const ticks = (user ?? Number.NaN) + (nice ?? 0) + (system ?? 0) + irq + softirq + steal;
  if (!Number.isFinite(ticks)) throw new Error('/proc/stat has no usable "cpu" line');
  return ticks / TICKS_PER_SECOND;
}

/** CPU seconds of the processes in `trees` with all their descendants, and of those in `alone` without. */
export function ownCpuSeconds(
  stats: readonly ProcessStat[],
  trees: readonly number[],
  alone: readonly number[],
): number {
  const children = Map.groupBy(stats, ({ parent }) => parent);
  const own = new Set(alone);
  const pending = [...trees];
  const visited = new Set<number>();
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    if (visited.has(pid)) continue;
    visited.add(pid);
    own.add(pid);
    for (const child of children.get(pid) ?? []) pending.push(child.pid);
  }
  return stats.reduce((sum, { pid, cpuSeconds }) => (own.has(pid) ? sum + cpuSeconds : sum), 0);
}
