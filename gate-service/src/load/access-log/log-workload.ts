/** From the counts of a log to a workload file. Pure. */
import { Document, isMap, isSeq } from 'yaml';
import { loadWorkload } from '../workload-file.ts';
import { MAX_RATE } from '../workload.ts';
import { burstinessOf, MIN_SECONDS, type Burstiness } from './burstiness.ts';
import type { LogSummary } from './log-tally.ts';
import { mergeKinds } from './merge-kinds.ts';
import { requestOf, uniqueNames, type LogRequest } from './log-request.ts';
import type { KindTally } from './kind-tally.ts';

export interface WorkloadOptions {
  /** How the log is called in the workload's comment. */
  readonly source: string;
  readonly maxKinds: number;
  /** Requests per second, at most. */
  readonly maxRate: number;
  readonly allowQuery: readonly string[];
  readonly includeUnsafe: boolean;
}

export interface LogWorkload {
  /** YAML that {@link loadWorkload} takes. */
  readonly text: string;
  /** What was taken and what was left out, for a person; one sentence each. */
  readonly remarks: readonly string[];
}

/** Fewer requests per second give no p99 within minutes. */
const FEW_PER_SECOND = 20;
/** Room for a step above the mean; a staging stack need not bear more. */
const HIGHEST_FACTOR = 10;

/** @throws Error when the log holds no request that could be sent */
export function workloadOfLog(summary: LogSummary, options: WorkloadOptions): LogWorkload {
  const selection = select(summary, options.maxKinds);
  const { busyHour } = summary;
  if (selection.kept.length === 0 || busyHour === undefined) {
    throw new Error(`no workload can be made of it: ${counts(summary, selection).join('; ')}`);
  }
  const perSecond = sum(busyHour.counts) / busyHour.counts.length;
  const seen = perSecond * (selection.requests / Math.max(1, selection.counted));
  const rate = significant(Math.min(seen, options.maxRate, MAX_RATE));
  const burstiness = burstinessOf(busyHour.counts, Math.min(HIGHEST_FACTOR, MAX_RATE / rate));
  const { freshConnections } = summary;
  const requests = selection.kept.map((kind) => requestOf(kind, options.allowQuery));
  const names = uniqueNames(requests.map(({ name }) => name));
  const document = new Document({
    rate,
    arrivals: burstiness.arrivals,
    ...(freshConnections === undefined
      ? {}
      : { freshConnections: Math.round(freshConnections * 1000) / 1000 }),
    ...(burstiness.phases === undefined ? {} : { phases: burstiness.phases }),
    requests: requests.map(({ weight, method, path, expect, data }, index) => ({
      name: names[index],
      weight,
      method,
      path,
      expect,
      ...(data === undefined ? {} : { data }),
    })),
  });
  comment(document, requests, selection.requests);
  const remarks = [
    ...counts(summary, selection),
    rateRemark(summary, rate, seen),
    burstinessRemark(burstiness),
    ...remarksOn(summary, requests),
  ];
  document.commentBefore = [
    `Made by \`speed-gate workload from-access-log\` from ${printable(options.source)}.`,
    ...remarks,
    'Values of queries and identifiers were dropped: where ${sequence} does not name something that is there,',
    'put test data in a CSV file and use ${data.COLUMN}. Bodies are not in an access log.',
  ]
    .map((line) => ` ${line}`)
    .join('\n');
  const text = document.toString({ lineWidth: 0 });
  // What does not load would be of no use; better said here than at the next push.
  loadWorkload(text, 'the workload made from the log');
  return { text, remarks };
}

interface Selection {
  readonly kept: readonly KindTally[];
  /** Requests of the kept kinds, of all counted ones, and of those left out. */
  readonly requests: number;
  readonly counted: number;
  readonly failing: number;
  readonly beyond: number;
}

function select(summary: LogSummary, maxKinds: number): Selection {
  // Before words are merged too, so that made-up paths do not crowd out routes.
  const tried = summary.kinds.filter((kind) => !mostlyFails(kind));
  const useful = mergeKinds(tried).filter((kind) => !mostlyFails(kind));
  const counted = requestsOf(summary.kinds);
  // Ties by name, so that the same log gives the same workload.
  const sorted = useful.toSorted(
    (a, b) => b.requests - a.requests || (keyOf(a) < keyOf(b) ? -1 : 1),
  );
  const kept = sorted.slice(0, maxKinds);
  return {
    kept,
    requests: requestsOf(kept),
    counted: counted + summary.rare,
    failing: counted - requestsOf(useful),
    beyond: requestsOf(sorted.slice(maxKinds)) + summary.rare,
  };
}

/** Probes of scanners, broken links: nothing that a release could make faster. */
function mostlyFails({ requests, succeeded }: KindTally): boolean {
  return succeeded * 2 < requests;
}

function counts(summary: LogSummary, selection: Selection): string[] {
  const left = [
    [
      summary.unsafe,
      'left out because their method changes something (--include-unsafe takes them)',
    ],
    [selection.failing, 'of kinds that mostly failed left out'],
    [selection.beyond, 'of rarer kinds left out (--max-kinds)'],
    [summary.otherHosts, 'to other hosts left out'],
    [summary.notRequests, 'that are no HTTP requests, or none to repeat, left out'],
    [summary.broken, 'not in the log format, left out'],
  ] as const;
  return [
    `${selection.requests} of ${summary.lines} lines are in it${periodOf(summary)}`,
    ...left.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`])),
  ];
}

function rateRemark(summary: LogSummary, rate: number, seen: number): string {
  const from = summary.busyHour?.from ?? 0;
  const seconds = summary.busyHour?.counts.length ?? 0;
  const said = `rate: mean of the busiest hour (${seconds} s from ${time(from)}), ${significant(seen)} requests/s`;
  if (rate < seen * 0.999) return `${said}, cut to ${rate} (--max-rate)`;
  if (rate < FEW_PER_SECOND) {
    return `${said}; too few to judge a p99 within minutes: raise it for the gate`;
  }
  return said;
}

function burstinessRemark({ indexOfDispersion, arrivals, phases }: Burstiness): string {
  if (Number.isNaN(indexOfDispersion)) {
    return `burstiness: less than ${MIN_SECONDS} s of log do not tell; poisson is assumed`;
  }
  const said = `burstiness: index of dispersion ${indexOfDispersion.toFixed(2)} by second (poisson 1)`;
  return phases === undefined ? `${said}: ${arrivals}` : `${said}: poisson with phases`;
}

function remarksOn(
  { durations, freshConnections }: LogSummary,
  requests: readonly LogRequest[],
): string[] {
  const ms = (share: number): string =>
    `${significant((durations?.quantile(share) ?? Number.NaN) / 1000, 2)} ms`;
  return [
    ...(durations === undefined
      ? []
      : [`durations in the log (%D): p50 ${ms(0.5)}, p95 ${ms(0.95)}, p99 ${ms(0.99)}`]),
    ...(freshConnections === undefined
      ? ['the log does not tell the share of fresh connections (%k would)']
      : []),
    ...(requests.some(({ data }) => data !== undefined)
      ? ['values of the query parameters that --allow-query names are kept']
      : []),
  ];
}

/** Each request's own remark above it; rows of data on one line. */
function comment(document: Document, requests: readonly LogRequest[], all: number): void {
  const list = document.get('requests');
  if (!isSeq(list)) return;
  list.items.forEach((item, index) => {
    const request = requests[index];
    if (!isMap(item) || request === undefined) return;
    const rows = item.getIn(['data', 'rows'], true);
    if (isSeq(rows)) rows.flow = true;
    item.commentBefore = ` ${((100 * request.weight) / all).toFixed(1)} %${request.comment}`;
  });
}

function periodOf({ period }: LogSummary): string {
  return period === undefined ? '' : `, from ${time(period.first)} to ${time(period.last)}`;
}

function time(second: number): string {
  return new Date(second * 1000).toISOString().replace('.000Z', 'Z');
}

/** On one line, ASCII only: a file's name may hold anything. */
function printable(text: string): string {
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, '?');
}

function keyOf({ method, template }: KindTally): string {
  return `${template} ${method}`;
}

function requestsOf(kinds: readonly KindTally[]): number {
  return sum(kinds.map(({ requests }) => requests));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function significant(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}
