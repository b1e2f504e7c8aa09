/** Our sender, as a gate run uses it: a process of its own, samples through a pipe into a gzip file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unfitReason } from '../../../gate-service/src/judge/fitness.ts';
import { ChildSender } from '../../../gate-service/src/load/child-sender.ts';
import { nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import { readSampleFile } from '../../../gate-service/src/load/sample-file.ts';
import { loadWorkload } from '../../../gate-service/src/load/workload-file.ts';
import { FIRST_SECONDS, type Tool } from './tool.ts';

const workload = loadWorkload(`
rate: 1
requests:
  - { name: read, path: "/read?n=\${sequence}", expect: { status: 200 } }
`);

const arm = (name: 'baseline' | 'candidate') => ({ name, headers: { 'x-speed-gate-arm': name } });

export const speedGateSender: Tool = {
  name: 'speed-gate',
  run: async ({ connections, perSecond, port, seconds, signal }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-bench-sender-'));
    try {
      const file = path.join(folder, 'samples.csv.gz');
      await new ChildSender().measure(
        {
          target: { host: '127.0.0.1', port },
          authority: 'known.test',
          arms: [arm('baseline'), arm('candidate')],
          workload,
          pairsPerSecond: perSecond / 2,
          arrivals: 'poisson',
          windowSeconds: 1,
          windows: seconds - FIRST_SECONDS,
          warmup: { minSeconds: FIRST_SECONDS, maxSeconds: FIRST_SECONDS, minRequests: 0 },
          limits: { connections, requestTimeoutMs: 10_000, maxSeconds: seconds + 60 },
          freshConnections: 0,
          seed: 1,
        },
        file,
        { stopRequested: () => false, window: () => undefined },
        signal,
      );
      const { fitness, samples } = await readSampleFile(file);
      const looked = fitness.filter(({ window }) => window >= 0);
      const measured = samples.filter(({ window }) => window >= 0);
      const latencies = measured.map(({ latencyUs }) => latencyUs);
      // Nobody watches strangers' CPU here: on a machine that is all the bench's own they are the tools.
      const unfit = new Set(
        looked
          .filter((fields) => unfitReason({ foreignCores: 0, ...fields }) !== undefined)
          .map(({ window }) => window),
      );
      const counted = measured
        .filter(({ window }) => !unfit.has(window))
        .map(({ latencyUs }) => latencyUs);
      return {
        p50Us: nearestRank(latencies, 0.5),
        p99Us: nearestRank(latencies, 0.99),
        failed: samples.filter(({ status }) => status !== 'ok').length,
        intendedUs: samples.map(({ intendedUs }) => intendedUs).sort((a, b) => a - b),
        ownLatenessP99Us: Math.max(...looked.map(({ latenessP99Us }) => latenessP99Us)),
        unfitWindows: unfit.size,
        windows: looked.length,
        counted: { p50Us: nearestRank(counted, 0.5), p99Us: nearestRank(counted, 0.99) },
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
