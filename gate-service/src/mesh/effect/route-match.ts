/** Whether an Envoy route takes a request. */
import { RE2JS } from 're2js';
import { messageAt, messagesAt, textAt } from './message.ts';
import type { Message } from './message.ts';
import { UnreadableTrafficError } from './traffic.ts';
import type { Probe } from './traffic.ts';

/** Fields of a match that are understood; any other makes the route unreadable. */
const KNOWN = new Set([
  'prefix',
  'path',
  'path_separated_prefix',
  'safe_regex',
  'case_sensitive',
  'headers',
  'query_parameters',
]);

/** @throws UnreadableTrafficError on a kind of match that is not known here */
export function routeTakes(match: Message, probe: Probe): boolean {
  const strange = Object.keys(match).find((field) => !KNOWN.has(field));
  if (strange !== undefined) {
    throw new UnreadableTrafficError(`A route is chosen by ${strange}, which cannot be judged.`);
  }
  // No probe has a query, so that a route that asks for one takes none.
  if (messagesAt(match, 'query_parameters').length > 0) return false;
  return pathTakes(match, probe.path) && headersTake(messagesAt(match, 'headers'), probe);
}

/** Whether all matchers take the request's headers. @throws UnreadableTrafficError */
export function headersTake(matchers: readonly Message[], { headers }: Probe): boolean {
  return matchers.every((one) => takes(one, headers));
}

function pathTakes(match: Message, path: string): boolean {
  const [prefix, exact, separated] = ['prefix', 'path', 'path_separated_prefix'].map((name) =>
    textAt(match, name),
  );
  if (prefix !== undefined) return path.startsWith(prefix);
  if (exact !== undefined) return path === exact;
  if (separated !== undefined) return path === separated || path.startsWith(`${separated}/`);
  const regex = textAt(messageAt(match, 'safe_regex'), 'regex');
  if (regex !== undefined) return RE2JS.matches(regex, path);
  throw new UnreadableTrafficError('A route has no match of the path.');
}

function takes(matcher: Message, headers: Probe['headers']): boolean {
  const name = textAt(matcher, 'name') ?? '';
  const value = name.startsWith(':') ? undefined : headers[name.toLowerCase()];
  const inverted = matcher.invert_match === true;
  const taken = valueTakes(matcher, name, value);
  return inverted ? !taken : taken;
}

function valueTakes(matcher: Message, name: string, value: string | undefined): boolean {
  const present = matcher.present_match;
  if (typeof present === 'boolean') return (value !== undefined) === present;
  const text = messageAt(matcher, 'string_match');
  if (Object.keys(text).length === 0) {
    if (Object.keys(matcher).some((field) => !['name', 'invert_match'].includes(field))) {
      throw new UnreadableTrafficError(`A match of header ${name} cannot be judged.`);
    }
    return value !== undefined;
  }
  if (name.startsWith(':')) {
    throw new UnreadableTrafficError(`A route is chosen by ${name}, which cannot be judged.`);
  }
  if (value === undefined) return false;
  return stringTakes(text, value);
}

function stringTakes(text: Message, value: string): boolean {
  const [exact, prefix, suffix, contains] = ['exact', 'prefix', 'suffix', 'contains'].map((name) =>
    textAt(text, name),
  );
  const regex = textAt(messageAt(text, 'safe_regex'), 'regex');
  if (exact !== undefined) return value === exact;
  if (prefix !== undefined) return value.startsWith(prefix);
  if (suffix !== undefined) return value.endsWith(suffix);
  if (contains !== undefined) return value.includes(contains);
  if (regex !== undefined) return RE2JS.matches(regex, value);
  throw new UnreadableTrafficError(`A header is matched in a way that cannot be judged.`);
}
