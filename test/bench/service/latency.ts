/** How long answers take: one request after the other, each read to its end. */
import type { Client } from 'undici';
import { ADMINISTRATOR } from './messages.ts';

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

/**
 * @param times requests that count; a tenth as many go before
 * @throws Error for an answer that is no success
 */
export async function latencyOf(
  client: Client,
  path: string,
  times: number,
  signal: AbortSignal,
  token = ADMINISTRATOR,
): Promise<Latency> {
  const taken: number[] = [];
  const before = Math.ceil(times / 10);
  for (let n = 0; n < before + times; n += 1) {
    const began = performance.now();
    await get(client, path, signal, token);
    if (n >= before) taken.push(performance.now() - began);
  }
  return summary(taken);
}

export async function get(
  client: Client,
  path: string,
  signal: AbortSignal,
  token = ADMINISTRATOR,
): Promise<unknown> {
  const authorization = `Bearer ${token}`;
  const { statusCode, headers, body } = await client.request({
    path,
    method: 'GET',
    headers: { authorization },
    signal,
  });
  const text = await body.text();
  if (statusCode !== 200)
    throw new Error(`GET ${path} answered ${statusCode}: ${text.slice(0, 300)}`);
  // `/metrics` is none.
  return String(headers['content-type']).includes('json') ? JSON.parse(text) : text;
}

/** Nearest rank. @param taken milliseconds, at least one */
export function summary(taken: readonly number[]): Latency {
  const sorted = [...taken].sort((one, other) => one - other);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { p50Ms: rounded(rank(0.5)), p99Ms: rounded(rank(0.99)), mostMs: rounded(rank(1)) };
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
