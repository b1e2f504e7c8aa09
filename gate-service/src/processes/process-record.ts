/** Identity of a detached process that survives its starter: a pid alone may be reused, pid and start time may not. */
export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTime: number;
  readonly command: readonly string[];
}
