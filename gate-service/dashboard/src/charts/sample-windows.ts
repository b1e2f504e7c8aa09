/** Quantiles of every window from a sample file (docs/samples.md), for the picture of a finished run. */
import { gunzip } from './gzip.ts';
import { QUANTILES } from './latency-data.ts';
import type { Latencies, LatencyPoint } from './latency-data.ts';

/** One point a window, over the seconds since the measurement began; without warm-up and planted block. */
export async function readWindows(
  file: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<readonly LatencyPoint[]> {
  const packed = new Uint8Array(await new Response(file).arrayBuffer());
  return windowsOf(await gunzip(packed));
}

interface Window {
  startUs: number;
  readonly arms: Map<string, number[]>;
}

/** @param text the unpacked sample file */
export function windowsOf(text: string): readonly LatencyPoint[] {
  const windows = new Map<number, Window>();
  let columns: ReadonlyMap<string, number> | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const fields = line.split(',');
    if (columns === undefined) {
      columns = new Map(fields.map((name, index) => [name, index]));
      continue;
    }
    const field = (name: string): string => fields[columns?.get(name) ?? -1] ?? '';
    add(windows, field('arm'), Number(field('window')), {
      intendedUs: Number(field('intended_us')),
      latencyUs: Number(field('latency_us')),
    });
  }
  return [...windows]
    .filter(([window, { arms }]) => window >= 0 && !arms.has('planted'))
    .sort(([a], [b]) => a - b)
    .map(([, { arms, startUs }]) => ({
      at: startUs / 1e6,
      arms: Object.fromEntries([...arms].map(([arm, own]) => [arm, latencies(own)])),
    }));
}

function add(
  windows: Map<number, Window>,
  arm: string,
  number: number,
  { intendedUs, latencyUs }: { readonly intendedUs: number; readonly latencyUs: number },
): void {
  const window = windows.get(number) ?? { startUs: Infinity, arms: new Map<string, number[]>() };
  windows.set(number, window);
  window.startUs = Math.min(window.startUs, intendedUs);
  const own = window.arms.get(arm) ?? [];
  window.arms.set(arm, own);
  own.push(latencyUs);
}

function latencies(microseconds: readonly number[]): Latencies {
  const sorted = microseconds.toSorted((a, b) => a - b);
  return Object.fromEntries(
    QUANTILES.map((name) => {
      const rank = Math.ceil((Number(name.slice(1)) / 100) * sorted.length) - 1;
      return [name, (sorted[Math.max(0, rank)] ?? 0) / 1000];
    }),
  );
}
