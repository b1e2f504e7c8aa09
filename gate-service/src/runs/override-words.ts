/** Orders beside decisions, in words. */
import type { OverrideRecord } from './records.ts';
import type { Cause } from './run.ts';

/**
 * What speaks against an order when it is given or carried out; empty, or with a space before it.
 * @param cause of the decision; undefined while there is none
 */
export function against(cause: Cause | undefined, order: OverrideRecord['order']): string {
  if (cause === undefined) return ' before there is a decision';
  if (order === 'rollback') return '';
  switch (cause) {
    case 'met':
      return '';
    case 'invalid':
      return ' although the measurement was invalid';
    case 'breached':
      return ' although thresholds were breached';
    case 'inconclusive':
      return ' although nothing could be shown';
    case 'promotion-breached':
      return ' although its promotion was taken back';
    case 'platform-failed':
    case 'cancelled':
    case 'superseded':
      return ` although the run ended as ${cause}`;
  }
}
