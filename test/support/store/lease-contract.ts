import { expect, it } from 'vitest';
import { until } from '../processes.ts';
import type { StoreOf } from './contract.ts';

const LONG = 3600;

/** One holder at a time, and a token that tells a former one from the present. */
export function leaseContract(store: StoreOf): void {
  it('have one holder of many that ask at once', async () => {
    const asked = Array.from({ length: 8 }, (_, n) =>
      store().acquireLease('driver', `replica-${n}`, LONG),
    );
    const held = (await Promise.all(asked)).filter((lease) => lease !== undefined);
    expect(held).toHaveLength(1);
    expect(held[0]).toMatchObject({ name: 'driver', token: 1 });
    expect(await store().leases()).toStrictEqual(held);
    expect(await store().acquireLease('other', 'replica-9', LONG)).toMatchObject({ token: 1 });
  });

  it('are renewed by their holder under the same token, however it asks', async () => {
    const lease = await store().acquireLease('driver', 'one', 60);
    const again = await store().acquireLease('driver', 'one', LONG);
    expect(again?.token).toBe(lease?.token);
    expect(Date.parse(again!.expiresAt)).toBeGreaterThan(Date.parse(lease!.expiresAt));
    const renewed = await store().renewLease(lease!, 2 * LONG);
    expect(renewed?.token).toBe(lease?.token);
    expect(Date.parse(renewed!.expiresAt)).toBeGreaterThan(Date.parse(again!.expiresAt));
  });

  it('pass on at once when they are released, under a higher token', async () => {
    const lease = await store().acquireLease('driver', 'one', LONG);
    await store().releaseLease(lease!);
    expect(await store().leases()).toStrictEqual([]);
    const next = await store().acquireLease('driver', 'two', LONG);
    expect(next?.token).toBe(lease!.token + 1);
    expect(await store().renewLease(lease!, LONG)).toBeUndefined();
    // The former holder must not take it from the present one.
    await store().releaseLease(lease!);
    expect(await store().acquireLease('driver', 'one', LONG)).toBeUndefined();
  });

  it('pass on when they expire, and are lost to the former holder then', async () => {
    const lease = await store().acquireLease('driver', 'one', 0.05);
    const next = await until('the lease expires', () =>
      store().acquireLease('driver', 'two', LONG),
    );
    expect(next.token).toBe(lease!.token + 1);
    expect(await store().renewLease(lease!, LONG)).toBeUndefined();
    expect((await store().leases()).map(({ holder }) => holder)).toStrictEqual(['two']);
  });

  it('can be renewed late as long as nobody took them', async () => {
    const lease = await store().acquireLease('driver', 'one', 0);
    await until('the lease expires', async () =>
      (await store().leases()).length === 0 ? true : undefined,
    );
    expect((await store().renewLease(lease!, LONG))?.token).toBe(lease?.token);
    expect(await store().acquireLease('driver', 'two', LONG)).toBeUndefined();
  });
}
