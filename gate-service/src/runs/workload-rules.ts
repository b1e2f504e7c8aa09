/** Whether a workload asks less of a build than another one: fewer requests, calmer ones, or hidden among others. Pure. */
import { meanRate, type RequestKind, type Workload } from '../load/workload.ts';

/** Where a request asks for less than the catalogue does. */
export interface Loosening {
  /** What differs, as a statement for a person. */
  readonly words: string;
  /** JSON pointer into the request. */
  readonly field: string;
}

/** Rounding of weights and rates. */
const AS_MUCH = 0.999;

/**
 * All ways in which `requested` asks less than `own`: it has to send every kind with its data, as often,
 * in the same waves, and on as many fresh connections.
 * @param overAll a threshold that is judged over all requests; with one, other kinds (or the same in other
 *   shares) would thin out those that the threshold was written for
 */
export function workloadLoosenings(
  requested: Workload,
  own: Workload,
  overAll: string | undefined,
): readonly Loosening[] {
  return [
    ...paceLoosenings(requested, own),
    ...own.requests.flatMap((kind) => kindLoosenings(kind, requested, own)),
    ...(overAll === undefined ? [] : dilutions(requested, own, overAll)),
  ];
}

/** How fast and how evenly it is sent: calmer traffic hides what bursts show. */
function paceLoosenings(requested: Workload, own: Workload): readonly Loosening[] {
  const found: Loosening[] = [];
  if (phasesText(requested) !== phasesText(own)) {
    found.push({
      words:
        own.phases === undefined
          ? 'phases are added, where the catalogue sends at one rate'
          : 'the phases differ from the catalogue’s',
      field: '/workload/phases',
    });
  }
  if (requested.rate < own.rate || meanRate(requested) < meanRate(own)) {
    found.push({
      words: `the rate is ${requested.rate}/s instead of ${own.rate}/s`,
      field: '/workload/rate',
    });
  }
  if (own.arrivals === 'poisson' && requested.arrivals !== 'poisson') {
    found.push({
      words: `arrivals are ${requested.arrivals} instead of ${own.arrivals}, which have bursts`,
      field: '/workload/arrivals',
    });
  }
  if (requested.freshConnections < own.freshConnections) {
    found.push({
      words: `a share of ${requested.freshConnections} is sent on fresh connections instead of ${own.freshConnections}`,
      field: '/workload/freshConnections',
    });
  }
  return found;
}

function kindLoosenings(
  kind: RequestKind,
  requested: Workload,
  own: Workload,
): readonly Loosening[] {
  const field = '/workload/requests';
  const same = requested.requests.find(({ name }) => name === kind.name);
  if (same === undefined) return [{ words: `${kind.name} is not sent`, field }];
  if (!sendsSame(same, kind)) {
    return [{ words: `${kind.name}, its checks or its data are changed`, field }];
  }
  const [now, before] = [perSecond(same, requested), perSecond(kind, own)];
  if (now >= before * AS_MUCH) return [];
  return [
    {
      words: `${kind.name} is sent ${now.toFixed(2)} times per second instead of ${before.toFixed(2)}`,
      field,
    },
  ];
}

/** Fast requests beside slow ones move every quantile and share over all of them, however many are sent. */
function dilutions(requested: Workload, own: Workload, overAll: string): readonly Loosening[] {
  const thinner = own.requests.flatMap((kind) => {
    const same = requested.requests.find(({ name }) => name === kind.name);
    if (same === undefined) return [];
    const [now, before] = [share(same, requested), share(kind, own)];
    return now >= before * AS_MUCH
      ? []
      : [`${percent(now)} instead of ${percent(before)} of the requests are ${kind.name}`];
  });
  if (thinner.length === 0) return [];
  return [
    {
      words: `${thinner.join(', ')}, so that ${overAll}, judged over all requests, would see less of them`,
      field: '/workload/requests',
    },
  ];
}

function phasesText({ phases }: Workload): string {
  return JSON.stringify(
    phases === undefined
      ? null
      : [phases.apply, phases.steps.map(({ factor, seconds }) => [seconds, factor])],
  );
}

function sendsSame(one: RequestKind, other: RequestKind): boolean {
  const sent = ({ body, data, expect, headers, method, path }: RequestKind): string =>
    JSON.stringify([
      method,
      path,
      body ?? null,
      expect.status === undefined ? null : [...new Set([expect.status].flat())].sort(),
      expect.bodyPattern ?? null,
      Object.entries(headers).sort(),
      data === undefined ? null : [data.order, data.columns, data.rows],
    ]);
  return sent(one) === sent(other);
}

function share(kind: RequestKind, workload: Workload): number {
  return kind.weight / workload.requests.reduce((sum, { weight }) => sum + weight, 0);
}

function perSecond(kind: RequestKind, workload: Workload): number {
  return share(kind, workload) * meanRate(workload);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
