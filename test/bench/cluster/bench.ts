/** `bench -- cluster`: how long a push and a change of weights take on a real Kubernetes with Istio, and what they cost users. */
import { cpus, loadavg } from 'node:os';
import { clusterDown, clusterUp } from '../../support/cluster/cluster.ts';
import { defaultLayout } from '../../support/cluster/layout.ts';
import { isAlive } from '../../support/cluster/takedown.ts';
import { readOptions } from './options.ts';
import { measurePushes } from './pushes.ts';
import { measureWeights } from './weights.ts';

/** Prints the result as the last line on standard output. Needs root; a cluster that was up stays up. */
export async function runClusterBench(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { changes, perSecond, pushes } = readOptions(args);
  const wasAlive = await isAlive(defaultLayout);
  say(`bringing the cluster up (load average ${(loadavg()[0] ?? 0).toFixed(1)})`);
  await clusterUp();
  try {
    const parts: Record<string, unknown> = {};
    if (changes > 0) {
      say(`${changes} changes of weights under ${perSecond} requests a second`);
      parts.weights = await measureWeights(changes, perSecond, say, signal);
    }
    if (pushes > 0) {
      say(`${pushes} pushes to a gate in the cluster`);
      parts.pushes = await measurePushes(pushes, say, signal);
    }
    const machine = { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' };
    console.log(JSON.stringify({ bench: 'cluster', machine, ...parts }));
  } finally {
    if (!wasAlive) await clusterDown();
  }
}

function say(message: string): void {
  console.error(`bench cluster: ${message}`);
}
