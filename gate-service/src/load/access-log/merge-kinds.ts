/**
 * Where a segment of the path has very many different words, the rare ones are values (names, slugs), not
 * routes: they become one placeholder. Frequent ones stay, so that a scanner that makes up paths cannot
 * hide the routes. Pure.
 */
import { KindTally } from './kind-tally.ts';
import { PARAMETER } from './path-template.ts';

/** So many different words may stand in one place. */
const MAX_WORDS = 30;
/** A word with this share of its place's requests stays in any case. */
const FREQUENT = 0.02;

export function mergeKinds(kinds: readonly KindTally[]): readonly KindTally[] {
  const merged = new Map<string, KindTally>();
  const routes = kinds.map((kind) => ({ kind, segments: kind.template.slice(1).split('/') }));
  for (const { kind, segments } of withoutRareWords(routes, 0)) {
    const template = `/${segments.join('/')}`;
    const key = `${kind.method} ${template}`;
    const sum = merged.get(key) ?? new KindTally(kind.method, template);
    sum.addAll(kind);
    merged.set(key, sum);
  }
  return [...merged.values()];
}

interface Route {
  readonly kind: KindTally;
  readonly segments: readonly string[];
}

function withoutRareWords(routes: readonly Route[], depth: number): readonly Route[] {
  const groups = Map.groupBy(routes, ({ segments }) => segments[depth]);
  const ended = groups.get(undefined) ?? [];
  groups.delete(undefined);
  if (groups.size === 0) return ended;
  const requestsOf = (group: readonly Route[]): number =>
    group.reduce((sum, { kind }) => sum + kind.requests, 0);
  const all = [...groups.values()].reduce((sum, group) => sum + requestsOf(group), 0);
  const crowded = groups.size > MAX_WORDS;
  const kept = new Map<string, Route[]>();
  for (const [word = '', group] of groups) {
    const stays = !crowded || word === '' || requestsOf(group) >= FREQUENT * all;
    const name = stays ? word : PARAMETER;
    const same = kept.get(name) ?? [];
    for (const { kind, segments } of group) {
      same.push({ kind, segments: segments.with(depth, name) });
    }
    kept.set(name, same);
  }
  return [...ended, ...[...kept.values()].flatMap((group) => withoutRareWords(group, depth + 1))];
}
