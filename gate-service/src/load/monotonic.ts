/** The clock of the sender: steady, and the same in every thread of the process. */

/** Microseconds since an arbitrary moment; never goes back. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / 1000;
}
