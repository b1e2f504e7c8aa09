/** A workload from access logs: reads them line by line, counts, and writes what was seen without what is secret. */
import path from 'node:path';
import { readLines, TOO_LONG } from './lines.ts';
import { compileLogFormat, detectLogFormat } from './log-format.ts';
import { LogTally } from './log-tally.ts';
import { workloadOfLog, type LogWorkload } from './log-workload.ts';

export interface AccessLogOptions {
  /** Name or LogFormat; absent: told by the lines. */
  readonly format?: string;
  readonly allowQuery?: readonly string[];
  readonly includeUnsafe?: boolean;
  /** 20 when absent. */
  readonly maxKinds?: number;
  /** Requests per second; 1,000 when absent. */
  readonly maxRate?: number;
  readonly host?: string;
}

/**
 * @param files plain or gzip; `-` is standard input
 * @throws Error when a file cannot be read, the format is none, or nothing in the logs can be sent
 */
export async function workloadFromAccessLog(
  files: readonly string[],
  options: AccessLogOptions = {},
): Promise<LogWorkload> {
  const { format, allowQuery = [], includeUnsafe = false, host } = options;
  const tally = new LogTally({
    parse: format === undefined ? detectLogFormat() : compileLogFormat(format),
    allowQuery,
    includeUnsafe,
    ...(host === undefined ? {} : { host: host.toLowerCase() }),
  });
  for (const file of files) {
    for await (const line of readLines(file)) tally.add(line === TOO_LONG ? undefined : line);
  }
  return workloadOfLog(tally.summary(), {
    source: files.map((file) => (file === '-' ? 'standard input' : path.basename(file))).join(', '),
    maxKinds: options.maxKinds ?? 20,
    maxRate: options.maxRate ?? 1000,
    allowQuery,
    includeUnsafe,
  });
}
