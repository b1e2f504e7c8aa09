import { expect, it } from 'vitest';
import type { StoreOf } from './contract.ts';
import { delivery, second } from './records.ts';

/** Notifications: stored once, claimed by one sender at a time, kept until they are delivered. */
export function deliveryContract(store: StoreOf): void {
  const enqueue = (...deliveries: readonly ReturnType<typeof delivery>[]) =>
    Promise.all(deliveries.map((one) => store().enqueueDelivery(one)));
  const claim = (seconds: number, holder = 'one') =>
    store().claimDueDelivery(holder, second(seconds), 30);

  it('are stored once for an endpoint, subject and type', async () => {
    const same = { subject: 'run-1' };
    await enqueue(delivery('d-1', same));
    await enqueue(
      delivery('d-2', { ...same, body: 'other' }),
      delivery('d-3', { subject: 'run-2' }),
    );
    await enqueue(delivery('d-4', { ...same, type: 'override' }));
    const { items } = await store().deliveries({ subject: 'run-1' }, { limit: 10 });
    expect(items).toStrictEqual([
      delivery('d-4', { ...same, type: 'override' }),
      delivery('d-1', same),
    ]);
  });

  it('are claimed by one of many at once, each one once', async () => {
    await enqueue(...[0, 1, 2].map((n) => delivery(`d-${n}`)));
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, n) => claim(10, `replica-${n}`)),
    );
    const got = claims.filter((one) => one !== undefined).map(({ id }) => id);
    expect(got.sort()).toStrictEqual(['d-0', 'd-1', 'd-2']);
  });

  it('come in the order in which they are due, none before its time', async () => {
    await enqueue(
      delivery('late', { nextAt: second(20) }),
      delivery('early', { nextAt: second(5) }),
      delivery('first', { nextAt: second(1) }),
    );
    expect((await claim(10))?.id).toBe('first');
    expect((await claim(10))?.id).toBe('early');
    expect(await claim(10)).toBeUndefined();
    expect((await claim(20))?.id).toBe('late');
  });

  it('can be claimed again when a sender died with one, but not before', async () => {
    await enqueue(delivery('d-1'));
    expect((await claim(10))?.id).toBe('d-1');
    expect(await claim(39, 'two')).toBeUndefined();
    expect((await claim(40, 'two'))?.id).toBe('d-1');
  });

  it('are tried again when it was said, and never after they are delivered or given up', async () => {
    await enqueue(delivery('d-1'), delivery('d-2', { createdAt: second(1), nextAt: second(1) }));
    const first = (await claim(10))!;
    await store().saveDelivery({
      ...first,
      attempts: 1,
      nextAt: second(60),
      lastAnswer: 'HTTP 500',
    });
    expect((await claim(59))?.id).toBe('d-2');
    const again = (await claim(60))!;
    expect(again).toMatchObject({ id: 'd-1', attempts: 1, lastAnswer: 'HTTP 500' });
    await store().saveDelivery({ ...again, attempts: 2, state: 'delivered' });
    // A sender whose claim had run out comes late.
    await store().saveDelivery({ ...first, attempts: 1, nextAt: second(61) });
    const second2 = (await store().deliveries({ state: 'due' }, { limit: 5 })).items[0]!;
    await store().saveDelivery({ ...second2, state: 'given-up' });
    expect(await claim(1e6)).toBeUndefined();
    const states = (await store().deliveries({}, { limit: 5 })).items.map(({ id, state }) => [
      id,
      state,
    ]);
    expect(states).toStrictEqual([
      ['d-2', 'given-up'],
      ['d-1', 'delivered'],
    ]);
    await expect(store().saveDelivery(delivery('nobody'))).rejects.toThrow('nobody');
  });

  it('are removed when they are old and settled, some at a time; the first to an endpoint stays', async () => {
    const old = { state: 'delivered', nextAt: second(9) } as const;
    await enqueue(
      delivery('delivered', old),
      delivery('given-up', { ...old, state: 'given-up' }),
      delivery('due', { ...old, state: 'due' }),
      delivery('sent-late', { ...old, nextAt: second(10) }),
      delivery('first', { ...old, type: 'ping' }),
    );
    expect(await store().removeSettled(second(10), 1)).toBe(1);
    expect(await store().removeSettled(second(10), 5)).toBe(1);
    expect(await store().removeSettled(second(10), 5)).toBe(0);
    const { items } = await store().deliveries({}, { limit: 9 });
    expect(items.map(({ id }) => id).sort()).toStrictEqual(['due', 'first', 'sent-late']);
  });

  it('are listed by endpoint and state, page by page', async () => {
    await enqueue(
      ...[1, 2, 3].map((n) =>
        delivery(`d-${n}`, { createdAt: second(n), endpoint: n === 2 ? 'mail' : 'chat' }),
      ),
    );
    const page = await store().deliveries({ endpoint: 'chat' }, { limit: 1 });
    expect(page.items.map(({ id }) => id)).toStrictEqual(['d-3']);
    const rest = await store().deliveries(
      { endpoint: 'chat', state: 'due' },
      { limit: 5, cursor: page.nextCursor! },
    );
    expect(rest.items.map(({ id }) => id)).toStrictEqual(['d-1']);
    const one = await store().deliveries({ id: 'd-2' }, { limit: 5 });
    expect(one.items.map(({ id }) => id)).toStrictEqual(['d-2']);
  });
}
