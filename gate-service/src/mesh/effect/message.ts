/** Reading Envoy's messages out of JSON, with proto names (an Envoy) or camel case (istiod). */
import { UnreadableTrafficError } from './traffic.ts';

export type Message = Readonly<Record<string, unknown>>;

/** The same JSON with proto names throughout. Keys with dots (filter names) are left alone. */
export function withProtoNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withProtoNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [protoName(name), withProtoNames(inner)]),
  );
}

/** A digit begins a word only in `consecutive_5xx` and its kin. */
function protoName(name: string): string {
  return /^[a-z][A-Za-z0-9]*$/.test(name)
    ? name.replaceAll(/[A-Z]|(?<=[a-z])5xx/g, (part) => `_${part.toLowerCase()}`)
    : name;
}

/** A message within; an empty one when it is not there. */
export function messageAt(parent: Message, name: string): Message {
  const value = parent[name];
  return isMessage(value) ? value : {};
}

/** Messages within; none when they are not there. */
export function messagesAt(parent: Message, name: string): readonly Message[] {
  const value = parent[name];
  return Array.isArray(value) ? value.filter(isMessage) : [];
}

export function textsAt(parent: Message, name: string): readonly string[] {
  const value = parent[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

export function textAt(parent: Message, name: string): string | undefined {
  const value = parent[name];
  return typeof value === 'string' ? value : undefined;
}

/** A number, also one that protobuf's JSON writes as text (64 bits) or wraps. */
export function numberAt(parent: Message, name: string, absent: number): number {
  const value = parent[name];
  if (value === undefined || value === null) return absent;
  const number = isMessage(value) ? numberAt(value, 'value', 0) : Number(value);
  if (Number.isFinite(number)) return number;
  throw new UnreadableTrafficError(`${name} is no number: ${JSON.stringify(value)}.`);
}

/** A protobuf duration (`1.500s`) in milliseconds. */
export function millisecondsAt(parent: Message, name: string): number | undefined {
  const value = parent[name];
  if (value === undefined || value === null) return undefined;
  const seconds = typeof value === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(value)?.[1] : undefined;
  if (seconds !== undefined) return Math.round(Number(seconds) * 1_000_000) / 1000;
  throw new UnreadableTrafficError(`${name} is no duration: ${JSON.stringify(value)}.`);
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
