/** Raw samples from Prometheus' HTTP API. */
import { z } from 'zod';

/** One series with its samples in a range, oldest first; times in milliseconds since the epoch. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly atMs: number; readonly value: number }[];
}

const answerSchema = z.looseObject({
  status: z.literal('success'),
  data: z.looseObject({
    resultType: z.literal('matrix'),
    result: z.array(
      z.looseObject({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

const TIMEOUT_MS = 5000;

/**
 * All samples of the selected series in the half-open span (from, to], as they were scraped: an
 * instant query on a range selector, so that nothing is interpolated or looked back for.
 * @param selector e.g. `up{job="envoy"}`
 * @throws when Prometheus does not answer or answers something else
 */
export async function rawSamples(
  url: string,
  selector: string,
  span: { readonly fromMs: number; readonly toMs: number },
): Promise<readonly Series[]> {
  const range = Math.max(1, Math.ceil(span.toMs - span.fromMs));
  const parameters = new URLSearchParams({
    query: `${selector}[${range}ms]`,
    time: (span.toMs / 1000).toFixed(3),
  });
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: parameters,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`Prometheus at ${url} answered ${response.status}: ${text.slice(0, 200)}`);
  }
  return answerSchema.parse(JSON.parse(text)).data.result.map(({ metric, values }) => ({
    labels: metric,
    samples: values.map(([seconds, value]) => ({
      atMs: Math.round(seconds * 1000),
      value: Number(value),
    })),
  }));
}
