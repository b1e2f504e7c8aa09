/**
 * What every store keeps to, whatever it stores in: run against the store in memory, SQLite and PostgreSQL,
 * so that a test on one of them says something about the others.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import type { RunStore } from '../../../gate-service/src/runs/run-store.ts';
import { auditContract } from './audit-contract.ts';
import { evidenceContract } from './evidence-contract.ts';
import { historyContract } from './history-contract.ts';
import { leaseContract } from './lease-contract.ts';
import { deliveryContract } from './delivery-contract.ts';
import { productionContract } from './production-contract.ts';
import { runContract } from './run-contract.ts';
import { tuningContract } from './tuning-contract.ts';

export interface OpenedStore {
  readonly store: RunStore;
  close(): Promise<void>;
}

/** The store of the test that is running. */
export type StoreOf = () => RunStore;

/** @param open gives an empty store, a new one for each test */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened.close();
    });
    const store: StoreOf = () => opened.store;

    describe('runs', () => {
      runContract(store);
    });
    describe('history', () => {
      historyContract(store);
    });
    describe('evidence', () => {
      evidenceContract(store);
    });
    describe('tuning', () => {
      tuningContract(store);
    });
    describe('production', () => {
      productionContract(store);
    });
    describe('audit and overrides', () => {
      auditContract(store);
    });
    describe('leases', () => {
      leaseContract(store);
    });
    describe('deliveries', () => {
      deliveryContract(store);
    });
  });
}
