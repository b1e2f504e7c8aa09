/** Spans of runs, for the service that is told of a collector. */
import type { Logger } from 'pino';
import { createSpanExporter, type SpanExporter } from '../telemetry/span-exporter.ts';
import { withoutSecrets } from './logger.ts';

/** @param url base address of a collector of OTLP over HTTP; without one nothing is exported */
export function openSpans(url: string | undefined, log: Logger): SpanExporter {
  if (url === undefined) return { listening: (next) => next, close: () => Promise.resolve() };
  return createSpanExporter({
    url,
    problem: (error) => {
      log.warn({ room: 'telemetry' }, withoutSecrets(error.message));
    },
  });
}
