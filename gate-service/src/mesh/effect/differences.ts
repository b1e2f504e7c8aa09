/** What two proxies do differently, in words. */
import type { Traffic } from './traffic.ts';

/** `PLACE: FIELD is X, not Y`, one per field in which `seen` is not `wanted`; empty when they agree. */
export function differences(wanted: Traffic, seen: Traffic): readonly string[] {
  return [
    ...between(wanted.subsets, seen.subsets, 'Subset'),
    ...between(wanted.requests, seen.requests, 'Request'),
  ];
}

function between(wanted: object, seen: object, what: string): string[] {
  const one = new Map(Object.entries(wanted) as [string, object][]);
  const other = new Map(Object.entries(seen) as [string, object][]);
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) => {
    const [left, right] = [one.get(name), other.get(name)];
    if (right === undefined) return [`${what} ${name} is not there.`];
    if (left === undefined) return [`${what} ${name} is there, but not wanted.`];
    return fields(left, right).map((text) => `${what} ${name}: ${text}`);
  });
}

function fields(wanted: object, seen: object): string[] {
  const one = new Map(Object.entries(wanted) as [string, unknown][]);
  const other = new Map(Object.entries(seen) as [string, unknown][]);
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) => {
    const [left, right] = [text(one.get(name)), text(other.get(name))];
    return left === right ? [] : [`${name} is ${right}, not ${left}.`];
  });
}

/** JSON with the keys in order, so that only values count. */
function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value, sorted);
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}
