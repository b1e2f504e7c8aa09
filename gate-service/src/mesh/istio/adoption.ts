/**
 * The gate's routes in a VirtualService that somebody else wrote. Its owner says by annotation that
 * the gate may have the route list and which route becomes the gate's; all other routes and fields
 * stay as they are, and the former route is kept so that it can be put back.
 */
import { isOwn } from './check.ts';
import type { HttpRoute } from './virtual-service.ts';

/** Put on by the owner: the field managers (by comma) that hand `spec.http` over to the gate. */
export const ADOPT_FROM = 'speed-gate.dev/adopt-from';
/** Put on by the owner: name of the route that the gate takes over; needed where there are several. */
export const ADOPT_ROUTE = 'speed-gate.dev/adopt-route';
/** Put on by the gate: what it took over ({@link Adopted} as JSON). */
export const ADOPTED = 'speed-gate.dev/adopted';

type Fields = Readonly<Record<string, unknown>>;

/** What the gate took over. */
export interface Adopted {
  /** The route as it was. */
  readonly route: Fields;
  /** Who owned the route list: entries of managedFields without their fields and time. */
  readonly from: readonly Fields[];
}

/** Thrown when a VirtualService cannot be adopted; the message says what its owner has to do. */
export class AdoptionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AdoptionError';
  }
}

/** Fields of a route that the gate decides alone. */
const GATES_OWN = ['name', 'match', 'route', 'timeout', 'retries', 'fault', 'directResponse'];
/** Fields with which a route forwards to nobody that has weights. */
const NOT_FORWARDING = ['redirect', 'directResponse', 'delegate'];

/** @throws AdoptionError when no route can be the gate's */
export function routeToTakeOver(routes: readonly Fields[], name: string | undefined): Fields {
  const names = routes.map((one) => nameOf(one)).join(', ') || 'none';
  const named = routes.filter((one) => one.name === name);
  const found = name === undefined ? routes : named;
  const [route] = found;
  if (route === undefined || found.length > 1) {
    throw new AdoptionError(
      `The annotation ${ADOPT_ROUTE} must name one route of the VirtualService (it has: ${names}).`,
    );
  }
  if (Array.isArray(route.match) && route.match.length > 0) {
    throw new AdoptionError(
      `Route ${nameOf(route)} is chosen by a match; only one that takes every request that is left can be the gate's.`,
    );
  }
  const other = NOT_FORWARDING.find((field) => route[field] !== undefined);
  if (other !== undefined || !Array.isArray(route.route)) {
    throw new AdoptionError(
      `Route ${nameOf(route)} forwards to no destination (${other ?? 'it has no route'}).`,
    );
  }
  return route;
}

/** The list with the gate's routes where they were, or where the former route is. */
export function withOwnRoutes(
  routes: readonly Fields[],
  own: readonly HttpRoute[],
  former: Fields,
): readonly Fields[] {
  const dressed = own.map((one) => dress(one, former));
  const there = routes.findIndex(isOwn);
  const position = there >= 0 ? there : routes.findIndex((one) => same(one, former));
  if (position < 0) {
    throw new AdoptionError(
      'Neither the gate’s routes nor the route that they took over is in the VirtualService any more.',
    );
  }
  return [
    ...routes.slice(0, position).filter((one) => !isOwn(one)),
    ...dressed,
    ...routes.slice(position).filter((one) => !isOwn(one) && !same(one, former)),
  ];
}

/** The list as it is without the gate: the former route in the place of the gate's. */
export function withFormerRoute(routes: readonly Fields[], former: Fields): readonly Fields[] {
  const there = routes.findIndex(isOwn);
  if (there < 0) return routes;
  return [...routes.slice(0, there), former, ...routes.slice(there).filter((one) => !isOwn(one))];
}

/** Fields of the former route that the gate has no word for (rewrites, CORS, mirrors) stay with the requests. */
function dress(own: HttpRoute, former: Fields): Fields {
  if (own.route === undefined) return own;
  const kept = Object.entries(former).filter(
    ([name]) => !GATES_OWN.includes(name) && name !== 'headers',
  );
  return {
    ...Object.fromEntries(kept),
    ...own,
    headers: headers(own.headers, former.headers),
  };
}

function headers(own: unknown, former: unknown): Fields {
  return Object.fromEntries(
    ['request', 'response'].flatMap((side) => {
      const [one, other] = [fields(fields(own)[side]), fields(fields(former)[side])];
      const remove = [...new Set([...texts(one.remove), ...texts(other.remove)])];
      const merged = { ...other, ...one, ...(remove.length > 0 && { remove }) };
      return Object.keys(merged).length === 0 ? [] : [[side, merged]];
    }),
  );
}

function nameOf({ name }: Fields): string {
  return typeof name === 'string' ? name : '(unnamed)';
}

function same(one: Fields, other: Fields): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
