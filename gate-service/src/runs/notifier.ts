/** Port to whoever wants to hear what came of things: webhooks, and logs. */
import type { OverrideRecord, PromotionRecord, RunRecord } from './records.ts';

/** Something that somebody outside may wait for. The records are as they are stored. */
export type Notice =
  /** A run is finished: it carries decision, cause and summary. */
  | { readonly type: 'decision'; readonly run: RunRecord }
  /** A promotion ended: completed, returned or failed. */
  | { readonly type: 'promotion'; readonly promotion: PromotionRecord }
  /** A person ordered something beside the decision of a run. */
  | { readonly type: 'override'; readonly run: RunRecord; readonly override: OverrideRecord }
  /** Runs or promotions cannot go on; they are tried again. */
  | {
      readonly type: 'problem';
      /** ISO 8601 in UTC. */
      readonly at: string;
      /** For a person; never a secret. */
      readonly message: string;
      readonly service?: string;
      readonly runId?: string;
    };

export interface Notifier {
  /**
   * Resolves when the notice is stored for delivery (deliveries themselves come later). Call it after
   * what it tells is stored. Telling the same twice has no effect. Never rejects: a notice that cannot
   * be stored now is found again in the store.
   */
  notify(notice: Notice): Promise<void>;
}

/** Where nobody listens. */
export const nobodyListens: Notifier = { notify: () => Promise.resolve() };
