/** Two people, one state of a run that both have read, two orders at the same moment. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTokenBook, tokenDigest } from '../identity/token-book.ts';
import type { Problem } from '../problems/problem.ts';
import { openRealApi } from '../../../../test/support/real-api.ts';
import type { RealApi } from '../../../../test/support/real-api.ts';

const RUN = 'queued-checkout';
const tokenOf = (name: string): string => `token-of-${name}-0123456789`;

let api: RealApi;
beforeEach(async () => {
  api = await openRealApi(
    createTokenBook(
      ['ann', 'bob'].map((name) => ({
        name,
        kind: 'person',
        sha256: tokenDigest(tokenOf(name)),
        rights: ['read', 'override'],
      })),
    ),
  );
});
afterEach(() => api.close());

const headersOf = (name: string) => ({ authorization: `Bearer ${tokenOf(name)}` });

const tagSeenBy = async (name: string): Promise<string> => {
  const read = await api.app.inject({ url: `/v1/runs/${RUN}`, headers: headersOf(name) });
  return String(read.headers.etag);
};

const order = (name: string, what: 'promote' | 'rollback', tag: string) =>
  api.app.inject({
    method: 'POST',
    url: `/v1/runs/${RUN}/override`,
    headers: { ...headersOf(name), 'content-type': 'application/json', 'if-match': tag },
    payload: JSON.stringify({ order: what, reason: `${name} wants it so` }),
  });

/** Lets nobody store an order before so many have got that far: all of them have seen the same until then. */
function meetBeforeStoring(people: number): void {
  const store = api.store.createOverride.bind(api.store);
  const met = Promise.withResolvers<undefined>();
  let come = 0;
  Object.assign(api.store, {
    createOverride: async (...order: Parameters<typeof store>) => {
      come += 1;
      if (come === people) met.resolve(undefined);
      await met.promise;
      return store(...order);
    },
  });
}

it('leaves one order, and tells the other that somebody was quicker', async () => {
  const [seenByAnn, seenByBob] = await Promise.all([tagSeenBy('ann'), tagSeenBy('bob')]);
  expect(seenByAnn).toBe(seenByBob);
  meetBeforeStoring(2);
  const answers = await Promise.all([
    order('ann', 'promote', seenByAnn),
    order('bob', 'rollback', seenByBob),
  ]);
  expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([202, 412]);
  const refused = answers.find(({ statusCode }) => statusCode === 412);
  expect(refused?.json<Problem>()).toMatchObject({ code: 'stale-decision' });

  const [taken, ...more] = await api.store.overrides(RUN);
  expect(more).toEqual([]);
  expect(taken?.actor).toBe(answers[0].statusCode === 202 ? 'ann' : 'bob');
  const { items } = await api.store.audit({ subject: RUN }, { limit: 10 });
  expect(items.filter(({ action }) => action === 'run.override').map(({ actor }) => actor)).toEqual(
    [taken?.actor],
  );

  const next = await order('bob', 'rollback', await tagSeenBy('bob'));
  expect(next.statusCode).toBe(202);
});
