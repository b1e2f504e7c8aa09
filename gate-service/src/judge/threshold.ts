/**
 * Thresholds: what a build must keep.
 *
 *   threshold = metric [ "{" "kind" "=" name "}" ] operator bound
 *   metric    = "p" number | "errors" | "cpu_per_request" | "throughput" | "capacity"
 *   operator  = "<" | "<=" | ">" | ">="
 *   bound     = [ "baseline" ( "+" | "-" ) ] amount
 *   amount    = number ( "%" | "us" | "ms" | "s" | "/s" )
 *   number    = digits [ "." digits ]
 *   name      = lower-case letters, digits and dashes
 *
 * Space is allowed between all parts. What fits together:
 *   p50, p99.9 …      < <=   baseline + x% | baseline + x ms | x ms      a kind may be named
 *   errors            < <=   baseline + x% (percentage points) | x%      a kind may be named
 *   cpu_per_request   < <=   baseline + x% | x ms
 *   throughput        > >=   baseline - x% | x%                          completed / offered
 *   capacity          > >=   baseline - x% | x/s                         closed loop
 */
import { Scanner, ThresholdSyntaxError } from './scanner.ts';

export { ThresholdSyntaxError };

export type Operator = '<' | '<=' | '>' | '>=';
export type AmountUnit = '%' | 'us' | 'ms' | 's' | '/s';

export type Metric =
  /** `percent` of requests are at most as slow: 99 for p99. */
  | { readonly name: 'latency'; readonly percent: number }
  | { readonly name: 'errors' | 'cpu_per_request' | 'throughput' | 'capacity' };

export interface Threshold {
  readonly metric: Metric;
  /** Only requests of this kind. */
  readonly kind?: string;
  readonly operator: Operator;
  /** `baseline`: the amount is the margin, away from the baseline in the bad direction. */
  readonly against: 'baseline' | 'absolute';
  readonly amount: number;
  readonly unit: AmountUnit;
}

const METRICS = 'a metric: p50, p99.9, errors, cpu_per_request, throughput or capacity';

/**
 * @throws ThresholdSyntaxError that quotes the input and points at the place
 */
export function parseThreshold(text: string): Threshold {
  const scanner = new Scanner(text);
  const metric = parseMetric(scanner);
  const kind = parseKind(scanner, metric);
  const operator = parseOperator(scanner, metric);
  const bound = parseBound(scanner, metric);
  scanner.end();
  return { metric, ...(kind === undefined ? {} : { kind }), operator, ...bound };
}

/** The threshold in its one written form; `parseThreshold` gives the same threshold back. */
export function formatThreshold(threshold: Threshold): string {
  const kind = threshold.kind === undefined ? '' : `{kind=${threshold.kind}}`;
  const sign = lowerIsBetter(threshold.metric) ? '+' : '-';
  const against = threshold.against === 'baseline' ? `baseline ${sign} ` : '';
  const amount = `${formatNumber(threshold.amount)}${threshold.unit}`;
  return `${metricName(threshold.metric)}${kind} ${threshold.operator} ${against}${amount}`;
}

/** As in a threshold: `p99`, `errors`, … */
export function metricName(metric: Metric): string {
  return metric.name === 'latency' ? `p${formatNumber(metric.percent)}` : metric.name;
}

/** False for throughput and capacity. */
export function lowerIsBetter(metric: Metric): boolean {
  return metric.name !== 'throughput' && metric.name !== 'capacity';
}

/** The amount in the unit that outcomes use: ratio or share as a fraction, times in ms, rates per second. */
export function amountInBaseUnit(threshold: Threshold): number {
  switch (threshold.unit) {
    case '%':
      return threshold.amount / 100;
    case 'us':
      return threshold.amount / 1000;
    case 's':
      return threshold.amount * 1000;
    case 'ms':
    case '/s':
      return threshold.amount;
  }
}

/**
 * Whether `requested` asks at least as much as `required` of the same metric, kind and form.
 * Differently formed thresholds are `unrelated`: neither tighter nor looser.
 */
export function compareThresholds(
  requested: Threshold,
  required: Threshold,
): 'equal' | 'tighter' | 'looser' | 'unrelated' {
  const subject = (t: Threshold): string =>
    [
      metricName(t.metric),
      t.kind ?? '',
      t.against,
      t.unit === '%' || t.unit === '/s' ? t.unit : 'time',
    ].join('|');
  if (subject(requested) !== subject(required)) return 'unrelated';
  const towardsLoose = requested.against === 'baseline' || lowerIsBetter(requested.metric) ? 1 : -1;
  const difference = (amountInBaseUnit(requested) - amountInBaseUnit(required)) * towardsLoose;
  const strict = (t: Threshold): number => (t.operator.length === 1 ? 1 : 0);
  if (difference !== 0) return difference < 0 ? 'tighter' : 'looser';
  if (strict(requested) === strict(required)) return 'equal';
  return strict(requested) > strict(required) ? 'tighter' : 'looser';
}

function parseMetric(scanner: Scanner): Metric {
  const quantile = scanner.take(/p(?=\d)/y);
  if (quantile !== undefined) {
    const at = scanner.position;
    const percent = parseNumber(scanner, 'a percentage such as 99 or 99.9');
    if (!(percent > 0 && percent < 100)) {
      scanner.fail('a percentage above 0 and below 100', at);
    }
    return { name: 'latency', percent };
  }
  const at = scanner.position;
  const word = scanner.take(/[a-z_]+/y);
  switch (word) {
    case 'errors':
    case 'cpu_per_request':
    case 'throughput':
    case 'capacity':
      return { name: word };
    case undefined:
    default:
      return scanner.fail(METRICS, at);
  }
}

function parseKind(scanner: Scanner, metric: Metric): string | undefined {
  const at = scanner.position;
  if (scanner.take(/\{/y) === undefined) return undefined;
  if (metric.name !== 'latency' && metric.name !== 'errors') {
    scanner.fail(`an operator: ${metric.name} is not known per kind of request`, at);
  }
  if (scanner.take(/kind\b/y) === undefined) scanner.fail('kind=NAME');
  if (scanner.take(/=/y) === undefined)
    scanner.fail('"=" and the name of a request of the workload');
  const name = scanner.take(/[a-z0-9][a-z0-9-]{0,39}/y);
  if (name === undefined) {
    return scanner.fail('the name of a request: up to 40 lower-case letters, digits and dashes');
  }
  if (scanner.take(/\}/y) === undefined) scanner.fail('"}"');
  return name;
}

function parseOperator(scanner: Scanner, metric: Metric): Operator {
  const at = scanner.position;
  const found = scanner.take(/[<>]=?/y);
  const allowed = lowerIsBetter(metric) ? '< or <=' : '> or >=';
  const fits = lowerIsBetter(metric) ? '<' : '>';
  if (found?.startsWith(fits) !== true) {
    const wish = lowerIsBetter(metric) ? 'low' : 'high';
    return scanner.fail(`${allowed} (${metricName(metric)} should be ${wish})`, at);
  }
  return found as Operator;
}

function parseBound(
  scanner: Scanner,
  metric: Metric,
): Pick<Threshold, 'against' | 'amount' | 'unit'> {
  const relative = scanner.take(/baseline\b/y) !== undefined;
  if (relative) {
    const sign = lowerIsBetter(metric) ? '+' : '-';
    if (scanner.take(sign === '+' ? /\+/y : /-/y) === undefined) {
      scanner.fail(
        `"${sign}" and a margin, e.g. "baseline ${sign} 5%" (that two builds are exactly equal can never be shown)`,
      );
    }
  }
  const at = scanner.position;
  const amount = parseNumber(
    scanner,
    relative ? 'a margin such as 5%' : 'a limit such as 200ms, or "baseline"',
  );
  if (amount === 0) scanner.fail('a number above 0', at);
  const unitAt = scanner.position;
  const units = unitsFor(metric, relative);
  const unit = scanner.take(/%|us\b|ms\b|s\b|\/s\b/y) as AmountUnit | undefined;
  if (unit === undefined || !units.includes(unit)) {
    return scanner.fail(`one of the units ${units.join(', ')}`, unitAt);
  }
  const isShare = unit === '%' && (metric.name === 'errors' || metric.name === 'throughput');
  if (amount > 100 && isShare) scanner.fail('at most 100%', at);
  return { against: relative ? 'baseline' : 'absolute', amount, unit };
}

function unitsFor(metric: Metric, relative: boolean): readonly AmountUnit[] {
  switch (metric.name) {
    case 'latency':
      return relative ? ['%', 'us', 'ms', 's'] : ['us', 'ms', 's'];
    case 'cpu_per_request':
      return relative ? ['%'] : ['us', 'ms', 's'];
    case 'errors':
    case 'throughput':
      return ['%'];
    case 'capacity':
      return relative ? ['%'] : ['/s'];
  }
}

function parseNumber(scanner: Scanner, expected: string): number {
  const digits = scanner.take(/\d{1,9}(\.\d{1,6})?(?![\d.])/y);
  return digits === undefined ? scanner.fail(expected) : Number(digits);
}

/** Without an exponent: the grammar knows none, and six decimals are all it reads. */
function formatNumber(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, '');
}
