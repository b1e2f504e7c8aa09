import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stubService } from '../api/stub-service.ts';
import type { InForce, Service } from '../api/types.ts';
import { placeBack, requireUnchanged } from './place-back.ts';

const pair = (build: string, configurationHash = 'stock', promotionId = 'p-1'): InForce => ({
  build,
  configurationHash,
  since: '2026-01-01T00:00:00.000Z',
  promotionId,
});
const service = (inForce: InForce, lastKnownGood?: InForce): Service => ({
  name: 'checkout',
  description: '',
  rules: { thresholds: [], promote: 'manual', fourEyes: false },
  inForce,
  lastKnownGood,
});

describe('the button back', () => {
  it('leads to the last known good, unless that is what runs, whoever brought it there', () => {
    expect(placeBack(service(pair('b'), pair('a')))?.build).toBe('a');
    expect(placeBack(service(pair('a', 'tuned'), pair('a')))?.configurationHash).toBe('stock');
    expect(placeBack(service(pair('a', 'stock', 'p-2'), pair('a')))).toBeUndefined();
    expect(placeBack(service(pair('a')))).toBeUndefined();
  });
});

describe('an order', () => {
  beforeEach(() => {
    vi.stubGlobal('sessionStorage', { getItem: () => null });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('is given for what was read, and for nothing that came since', async () => {
    const read = service(pair('b'), pair('a'));
    stubService(() => ({ json: service(pair('b', 'stock', 'p-9'), pair('a')) }));
    await expect(requireUnchanged(read)).resolves.toBeUndefined();
    for (const now of [service(pair('a'), pair('a')), service(pair('b'), pair('c'))]) {
      stubService(() => ({ json: now }));
      await expect(requireUnchanged(read)).rejects.toThrow('has changed since');
    }
    stubService(() => ({ status: 503, json: { detail: 'the store is away' } }));
    await expect(requireUnchanged(read)).rejects.toThrow('The store is away.');
  });
});
