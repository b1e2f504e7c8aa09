/** Between the bench and the process that serves the API. */
import type { StorePlace } from '../../../gate-service/src/store/store.ts';

export type ToServer =
  | { readonly type: 'serve'; readonly place: StorePlace }
  | {
      readonly type: 'append';
      readonly runId: string;
      readonly text: string;
      readonly last: boolean;
    }
  | { readonly type: 'build'; readonly digest: string }
  | { readonly type: 'memory' }
  | { readonly type: 'stop' };

export type FromServer =
  | { readonly type: 'ready'; readonly port: number; readonly startMs: number }
  | { readonly type: 'appended' }
  | { readonly type: 'memory'; readonly residentMiB: number };

/** Callers that the server knows by these tokens: of everything, and of each service by its name. */
export const ADMINISTRATOR = 'administrator-of-everything';
export const OF_EACH_SERVICE = 'administrator-of-each-service';
