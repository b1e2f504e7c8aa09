/** What httpd says of itself: mod_status in its machine-readable form (`?auto`). */
export interface ModStatus {
  /** Rises by one with every restart of the configuration. */
  readonly configGeneration: number;
  readonly mpmGeneration: number;
  readonly processes: number;
  /** Children that end after a graceful restart; at most one generation should. */
  readonly stopping: number;
  readonly busyWorkers: number;
  readonly idleWorkers: number;
  readonly connectionsTotal: number;
  readonly connectionsAsyncKeepAlive: number;
  readonly totalAccesses: number;
  /** Milliseconds spent on all requests since the start. */
  readonly totalDuration: number;
}

/** Parses `/server-status?auto` of httpd 2.4 with the event MPM and ExtendedStatus. Throws when a field is missing. */
export function parseModStatus(text: string): ModStatus {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2).trim());
  }
  const number = (name: string): number => {
    const value = Number(fields.get(name) ?? Number.NaN);
    if (!Number.isFinite(value)) {
      throw new Error(
        `mod_status has no number "${name}"; is ExtendedStatus on and the MPM event? It said: ${text.slice(0, 200)}`,
      );
    }
    return value;
  };
  return {
    configGeneration: number('ParentServerConfigGeneration'),
    mpmGeneration: number('ParentServerMPMGeneration'),
    processes: number('Processes'),
    stopping: number('Stopping'),
    busyWorkers: number('BusyWorkers'),
    idleWorkers: number('IdleWorkers'),
    connectionsTotal: number('ConnsTotal'),
    connectionsAsyncKeepAlive: number('ConnsAsyncKeepAlive'),
    totalAccesses: number('Total Accesses'),
    totalDuration: number('Total Duration'),
  };
}
