/** JTL in CSV, as JMeter and the Jenkins Performance plugin read it. */
import type { Sample } from '../../../load/sample.ts';

export const JTL_HEADER = 'timeStamp,elapsed,label,responseCode,responseMessage,success,bytes\n';

/**
 * One line. The sample knows whether a request failed, not the code of one that went well, and no sizes.
 * @param startedAtMs start of the measurement, milliseconds since the epoch
 */
export function jtlLine(sample: Sample, startedAtMs: number): string {
  const success = sample.status === 'ok';
  const isCode = /^\d{3}$/.test(sample.status);
  return [
    Math.round(startedAtMs + sample.intendedUs / 1000),
    Math.round(sample.latencyUs / 1000),
    `${sample.arm}/${sample.kind}`,
    success ? '200' : isCode ? sample.status : '',
    success || isCode ? '' : sample.status,
    String(success),
    0,
  ]
    .join(',')
    .concat('\n');
}
