/**
 * What Istio accepts and traffic does not survive: its own validation lets weights pass that do not
 * sum to 100, subsets and gateways that are not there, and tries longer than their request may take.
 */
import type { PlanViolation } from '../rules.ts';
import { ROUTE_PREFIX } from './resources.ts';
import type { IstioResource } from './resources.ts';

/** A VirtualService or DestinationRule as far as it is looked at. */
export interface IstioObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
  readonly spec: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Everything wrong with the gate's routes among these objects; foreign routes count only where they
 * keep requests from the gate's.
 * @param gateways that are there, as `NAMESPACE/NAME`; those among the objects need not be named
 */
export function checkIstio(
  objects: readonly (IstioObject | IstioResource)[],
  gateways: readonly string[],
): readonly PlanViolation[] {
  const known = new Set([
    ...gateways,
    ...of(objects, 'Gateway').map(({ metadata }) => placeOf(metadata)),
  ]);
  const subsets = new Map(
    of(objects, 'DestinationRule').map(({ spec }) => [
      String(spec.host),
      new Set(list(spec.subsets).map((one) => String(one.name))),
    ]),
  );
  return of(objects, 'VirtualService').flatMap((one) => {
    const where = `VirtualService ${placeOf(one.metadata)}`;
    const routes = list(one.spec.http);
    return [
      ...missingGateways(one, known).map((name) =>
        broken('gateway-exists', `${where}: there is no Gateway ${name}.`),
      ),
      ...shadowed(routes).map((text) => broken('route-reachable', `${where}: ${text}`)),
      ...routes.filter(isOwn).flatMap((route) => checkRoute(where, route, subsets)),
    ];
  });
}

/** Whether the gate wrote a route. */
export function isOwn(route: Fields): boolean {
  return typeof route.name === 'string' && route.name.startsWith(ROUTE_PREFIX);
}

function checkRoute(
  where: string,
  route: Fields,
  subsets: ReadonlyMap<string, ReadonlySet<string>>,
): PlanViolation[] {
  const at = `${where}: route ${String(route.name)}`;
  const destinations = list(route.route);
  if (destinations.length === 0) return [];
  const weights = destinations.map((one) => one.weight ?? (destinations.length === 1 ? 100 : 0));
  const sum = weights.reduce<number>((total, one) => total + Number(one), 0);
  const found: PlanViolation[] = [];
  if (sum !== 100 || !weights.every((one) => Number.isInteger(one) && Number(one) >= 0)) {
    found.push(
      broken(
        'weights-sum-to-100',
        `${at}: weights must be whole numbers that sum to 100, got ${weights.map((one) => JSON.stringify(one)).join(', ')}.`,
      ),
    );
  }
  for (const destination of destinations.map((one) => fields(one.destination))) {
    const [host, subset] = [String(destination.host), String(destination.subset)];
    if (subsets.get(host)?.has(subset) !== true) {
      found.push(
        broken(
          'routed-subset-exists',
          `${at} goes to subset ${subset} of ${host}, which no DestinationRule has.`,
        ),
      );
    }
  }
  return [...found, ...checkDeadlines(at, route)];
}

function checkDeadlines(at: string, route: Fields): PlanViolation[] {
  const timeout = millisecondsOf(route.timeout);
  const retries = route.retries;
  if (timeout === undefined || timeout <= 0) {
    return [
      broken('route-timeout', `${at} needs a timeout: without one a request may take for ever.`),
    ];
  }
  if (retries === undefined) {
    return [
      broken(
        'retries-said',
        `${at} says nothing about retries: Istio would try twice more, also on an answer of 503.`,
      ),
    ];
  }
  const text = fields(retries).perTryTimeout;
  const perTry = millisecondsOf(text);
  return text !== undefined && (perTry === undefined || perTry >= timeout)
    ? [
        broken(
          'per-try-below-timeout',
          `${at}: perTryTimeout (${JSON.stringify(text)}) must be below timeout (${JSON.stringify(route.timeout)}), or nothing is ever tried again.`,
        ),
      ]
    : [];
}

/** Routes of the gate's that come after one which takes every request. */
function shadowed(routes: readonly Fields[]): string[] {
  const all = routes.findIndex((one) => list(one.match).length === 0);
  const hidden = all < 0 ? [] : routes.slice(all + 1).filter(isOwn);
  return hidden.map(
    (one) =>
      `route ${String(one.name)} is never reached: route ${JSON.stringify(routes[all]?.name ?? all + 1)} before it takes every request.`,
  );
}

function missingGateways({ metadata, spec }: IstioObject, known: ReadonlySet<string>): string[] {
  const named = Array.isArray(spec.gateways) ? spec.gateways.map(String) : [];
  if (named.length === 0) return ['(none is named, so that only sidecars would route)'];
  return named
    .filter((name) => name !== 'mesh')
    .map((name) => (name.includes('/') ? name : `${metadata.namespace ?? ''}/${name}`))
    .filter((name) => !known.has(name));
}

/** A Go duration in milliseconds; `undefined` when it is none. */
export function millisecondsOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/.test(value))
    return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return [...value.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? Number.NaN),
    0,
  );
}

function of(
  objects: readonly (IstioObject | IstioResource)[],
  kind: string,
): readonly IstioObject[] {
  return objects.filter((one) => one.kind === kind);
}

function placeOf({ namespace, name }: IstioObject['metadata']): string {
  return `${namespace ?? ''}/${name}`;
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function broken(rule: string, message: string): PlanViolation {
  return { rule, message };
}
