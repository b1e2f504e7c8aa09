/** autocannon with its option for a rate: as it comes, and with its raw latencies (facts/service.md). */
import { fileURLToPath } from 'node:url';
import { nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import { outputOf } from './program.ts';
import type { Tool } from './tool.ts';

const PROCESS = fileURLToPath(new URL('autocannon-process.ts', import.meta.url));

interface Output {
  readonly rawMs: readonly number[];
  readonly corrected: { readonly p50: number; readonly p99: number };
  readonly failed: number;
}

/** Its correction for coordinated omission is on unless it is switched off, and then it invents samples. */
export function autocannonTool(latencies: 'as-is' | 'raw'): Tool {
  return {
    name: latencies === 'as-is' ? 'autocannon' : 'autocannon-raw',
    run: async ({ connections, perSecond, port, seconds, signal }) => {
      const args = [port, perSecond, seconds, connections].map(String);
      const text = await outputOf(process.execPath, [PROCESS, ...args, latencies], { signal });
      const { corrected, failed, rawMs } = JSON.parse(text) as Output;
      return latencies === 'as-is'
        ? { p50Us: corrected.p50 * 1000, p99Us: corrected.p99 * 1000, failed }
        : {
            p50Us: nearestRank(rawMs, 0.5) * 1000,
            p99Us: nearestRank(rawMs, 0.99) * 1000,
            failed,
          };
    },
  };
}
